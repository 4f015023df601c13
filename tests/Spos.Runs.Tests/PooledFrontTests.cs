using Spos.Runs.Phases;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>What a front run takes of workers.</summary>
public sealed partial class FrontTests
{
    private const string FirstEnd = "alone/front_000/checkpoint-00000006.spos", SecondEnd = "alone/front_001/checkpoint-00000006.spos";

    [Fact]
    public void Only_the_end_of_the_right_training_is_taken_from_a_worker()
    {
        FrontSpec SpecOf(string folder) => Spec(folder) with { NumNetworks = 2, EmaDecay = 0.9f };
        FrontResult alone = Run(FrontTraining.Run, SpecOf("alone"))!;
        using var pool = new Pool(trainings =>
        {
            string? Offer(int number, string file, Func<byte[], byte[]>? change = null)
            {
                string copy = At("shared/sent");
                byte[] bytes = File.ReadAllBytes(At(file));
                File.WriteAllBytes(copy, change?.Invoke(bytes) ?? bytes);
                Assert.InRange(bytes.Length, 1, trainings.MostBytes);
                return trainings.Finish(number, copy);
            }

            Assert.Equal(2, trainings.All.Select(one => one.Key).Distinct().Count());
            Assert.Contains("of another training", Offer(0, SecondEnd), StringComparison.Ordinal);
            string earlier = FirstEnd.Replace("06.", "03.", StringComparison.Ordinal);
            Assert.Contains("it has 3 steps, and not 6", Offer(0, earlier), StringComparison.Ordinal);
            Assert.Contains("is damaged", Offer(0, FirstEnd, bytes => bytes[..(bytes.Length / 2)]), StringComparison.Ordinal);
            Assert.NotNull(Offer(0, FirstEnd, bytes => [.. bytes[..^100], (byte)(bytes[^100] ^ 1), .. bytes[^99..]]));
            Assert.NotNull(Offer(0, "search/search.json"));
            Assert.False(trainings.HasBegun(0));
            Assert.Null(Offer(1, SecondEnd));
            Assert.Null(Offer(0, FirstEnd));
            Assert.True(trainings.HasBegun(0));
        });
        FrontResult shared = Run(FrontTraining.Run, SpecOf("shared") with { Pool = _ => pool })!;
        Assert.True(pool.IsDone);
        Assert.Equal(alone.Networks.Select(one => one.Network), shared.Networks.Select(one => one.Network));
        foreach (string file in new[] { "networks.json", "result.json", "exports/front_000.onnx", "exports/front_001.safetensors" })
        {
            Assert.Equal(File.ReadAllBytes(At($"alone/{file}")), File.ReadAllBytes(At($"shared/{file}")));
        }
    }

    private sealed class Pool(Action<IPooledTrainings> train) : IWorkPool
    {
        public bool IsDone { get; private set; }

        public void Train(IPooledTrainings trainings, CancellationToken cancel) => train(trainings);

        public IGenerationScorer Scorer(ulong seed, IReadOnlyList<IPathScorer> own) => throw new NotSupportedException();

        public void MarkDone() => IsDone = true;

        public void Dispose()
        {
        }
    }
}
