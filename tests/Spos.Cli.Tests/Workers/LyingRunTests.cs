using System.Net;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Serving;
using Spos.Workers.Sharing;

namespace Spos.Cli.Tests.Workers;

/// <summary>A run that asks its workers for what they cannot have: they say so, tell the run, and end.</summary>
public sealed class LyingRunTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly string Key = new('a', 64);

    [Fact]
    public async Task A_path_of_another_network()
    {
        using WorkPool pool = Open("kind");
        Task run = Start(() => pool.Scorer(42, []).Score([Architecture.Parse("0 1")], (_, _) => { }, CancellationToken.None));
        await RequireRefusal(pool, run, "the architecture");
    }

    [Theory]
    [InlineData("kind", "epochs", "3", "", "there are no trainings called kind")]
    [InlineData("search", "epochs", "3", "", "there are no trainings called search")]
    [InlineData("front-network", "cache", "/", "", "there is no option --cache of trainings")]
    [InlineData("front-network", "epochs", "-1", "", "--epochs -1 of the trainings")]
    [InlineData("front-network", "epochs", "3", "", "the network that it would train is not the one that is wanted")]
    [InlineData("front-network", "epochs", "3", "../../outside", "the network that it would train is not the one that is wanted")]
    public async Task A_training_that_there_is_not(string kind, string option, string value, string key, string says)
    {
        using WorkPool pool = Open(kind, KeyValuePair.Create(option, value));
        var trainings = new Trainings(key.Length == 0 ? Key : key);
        await RequireRefusal(pool, Start(() => pool.Train(trainings, CancellationToken.None)), says);
    }

    private static Task Start(Action run) => Task.Factory.StartNew(run, TaskCreationOptions.LongRunning);

    private WorkPool Open(string kind, params KeyValuePair<string, string>[] options)
    {
        using PoolWork work = FakeWorker.WorkOn(fixture);
        Directory.CreateDirectory(fixture.At("run"));
        return WorkPool.Open(
            new CoordinatorSpec { Listen = new IPEndPoint(IPAddress.Loopback, 0), AuditEvery = 0, LeavesToWorkers = true },
            new PoolSpec(
                work.Facts, new TrainingRecipe(kind, [.. options, new("batch-size", "8")], []), fixture.At("run"), new Observer()));
    }

    // Three of them end the run, too.
    private async Task RequireRefusal(WorkPool pool, Task run, string says)
    {
        for (int i = 0; i < Admission.MostFailures; i++)
        {
            Outcome worker = PipelineFixture.Expect(
                1, "worker", "--join", pool.Address, "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"),
                "--train-iters", "1", "--train-batch-size", "8", "--output-dir", fixture.At("work/er"));
            string line = Assert.Single(worker.Error.TrimEnd().Split('\n'));
            Assert.StartsWith(
                $"spos: the run at {pool.Address} asks for something that this worker does not have: {says}", line,
                StringComparison.Ordinal);
            Assert.False(Directory.Exists(fixture.At("work")));
        }
        Assert.Contains(says, (await Assert.ThrowsAnyAsync<SposException>(() => run)).Message, StringComparison.Ordinal);
    }

    private sealed class Trainings(string key) : IPooledTrainings
    {
        public IReadOnlyList<PooledTraining> All { get; } = [new(Architecture.Parse("0 1 2 3 0"), 42, key, "training", 100)];

        public long MostBytes => 1 << 20;

        public bool HasBegun(int number) => false;

        public bool Train(int number, CancellationToken cancel) => throw new NotSupportedException();

        public string? Finish(int number, string? file) => throw new NotSupportedException();
    }

    private sealed class Observer : IRunObserver;
}
