using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Checkpoints;
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
            Assert.Contains("its options have no values", Offer(0, FirstEnd, WithoutOptions), StringComparison.Ordinal);
            Assert.False(trainings.HasBegun(0));
            Assert.Equal("its weights are no numbers", Offer(0, FirstEnd, WithoutNumbers));
            Assert.Equal("its weights are no numbers", Offer(0, FirstEnd, WithoutLastNumber));
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

    [Fact]
    public void What_was_trained_when_the_run_was_stopped_is_not_trained_again()
    {
        FrontSpec SpecOf(string folder) => Spec(folder) with { NumNetworks = 2 };
        FrontResult alone = Run(FrontTraining.Run, SpecOf("alone"))!;
        // It is stopped before it has measured the first one.
        using var stopping = new Pool(trainings => throw new OperationCanceledException($"{trainings.Train(0, CancellationToken.None)}"));
        Assert.Throws<OperationCanceledException>(() => Run(FrontTraining.Run, SpecOf("shared") with { Pool = _ => stopping }));
        using var going = new Pool(trainings =>
        {
            Assert.Equal(alone.Networks.Single(one => one.Network.Name == "front_001").Network.Path, Assert.Single(trainings.All).Path);
            Assert.True(trainings.Train(0, CancellationToken.None));
            Assert.Null(trainings.Finish(0, null));
        });
        FrontResult shared = Run(FrontTraining.Run, SpecOf("shared") with { Pool = _ => going })!;
        Assert.True(going.IsDone);
        Assert.Equal(alone.Networks.Select(one => one.Network), shared.Networks.Select(one => one.Network));
    }

    private static int HeaderLength(byte[] checkpoint) => (int)BitConverter.ToInt64(checkpoint, 8);

    private static byte[] WithoutOptions(byte[] checkpoint)
    {
        CheckpointHeader header = MessagePackSerializer.Deserialize<CheckpointHeader>(checkpoint.AsMemory(16, HeaderLength(checkpoint)));
        header.Options = null!;
        byte[] text = MessagePackSerializer.Serialize(header);
        return [.. checkpoint[..8], .. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[128]];
    }

    // All of its tensors are NaN, and its checksum is right.
    private static byte[] WithoutNumbers(byte[] checkpoint) => WithoutNumbers(checkpoint, 16 + HeaderLength(checkpoint) + 64);

    // The last number is one of the averages.
    private static byte[] WithoutLastNumber(byte[] checkpoint) =>
        WithoutNumbers(checkpoint, checkpoint.Length - SHA256.HashSizeInBytes - sizeof(float));

    private static byte[] WithoutNumbers(byte[] checkpoint, int first)
    {
        checkpoint.AsSpan(first..^SHA256.HashSizeInBytes).Fill(0xFF);
        return [.. checkpoint[..^SHA256.HashSizeInBytes], .. SHA256.HashData(checkpoint.AsSpan(..^SHA256.HashSizeInBytes))];
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
