using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Spos.Engine.Files;
using Spos.Runs;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;
using Spos.Workers.Serving;

namespace Spos.Cli.Tests.Workers;

/// <summary>A pool and workers of the test's, which send some bytes as trained networks: who gets what, and what is believed.</summary>
public sealed class PooledTrainingTests : IDisposable
{
    private const int MostBytes = 300_000, Steps = 1000;

    private static readonly Dictionary<string, string> Facts = new() { ["the version"] = "1" };

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
    private readonly Observer _observer = new();

    private static byte[] Checkpoint(string key) => [.. Enumerable.Range(0, 200_000).Select(i => (byte)(key[i % key.Length] + (i / 1000)))];

    private WorkPool Open() => WorkPool.Open(
        new CoordinatorSpec { Listen = new IPEndPoint(IPAddress.Loopback, 0), LeavesToWorkers = true },
        new PoolSpec(
            Facts, new TrainingRecipe("kind", [new("epochs", "3"), new("batch-size", "8")], [new("checkpoint", "")]), _folder, _observer));

    private static Task Run(WorkPool pool, Trainings trainings) => Task.Factory
        .StartNew(() => pool.Train(trainings, CancellationToken.None), TaskCreationOptions.LongRunning).WaitAsync(TimeSpan.FromSeconds(60));

    private static async Task<FakeWorker> Join(WorkPool pool, string name, string? machine = null)
    {
        var worker = new FakeWorker(pool.Address);
        Recipe recipe = (await worker.Greet(name, Facts, machine)).Welcome.Recipe;
        Assert.Equal(["epochs=3", "batch-size=8"], recipe.Options.Select(option => $"{option.Name}={option.Value}"));
        return worker;
    }

    [Fact]
    public async Task Each_is_trained_once_and_begun_ones_go_to_who_has_begun_them()
    {
        using WorkPool pool = Open();
        var trainings = new Trainings(4);
        Task run = Run(pool, trainings);
        using FakeWorker worker = await Join(pool, "worker");
        string[] keys = ["key-2", "key-0", "key-1", "key-3"];
        var taken = new List<string>();
        foreach ((int done, string expected) in keys.Index())
        {
            while (trainings.Finished.Count < done) await Task.Delay(10);
            Job job = (await worker.Ask(5, "key-2", "key-3x")).Job;
            // It may remove them. It is not told of the last one before all is done with that.
            taken.AddRange(job.Taken);
            Assert.InRange(taken.Count, Math.Max(0, done - 1), done);
            Assert.Equal(keys[..taken.Count], taken);
            Assert.Equal(expected, job.Key);
            Assert.Equal(trainings.All.Single(one => one.Key == expected).Seed, job.Seed);
            await worker.Send(job, Checkpoint(job.Key));
        }
        await run;
        Assert.Equal([2, 0, 1, 3], trainings.Finished);
        Assert.Empty(Directory.GetFiles(_folder, ".workers.json.received*"));
        Assert.Empty(_observer.Warnings);
    }

    [Fact]
    public async Task What_was_sent_is_removed_when_the_run_fails()
    {
        using WorkPool pool = Open();
        using var isSent = new ManualResetEventSlim();
        var trainings = new Trainings(3)
        {
            Finishing = () =>
            {
                isSent.Wait();
                throw new InvalidOperationException("it fails");
            },
        };
        Task run = Run(pool, trainings);
        using FakeWorker worker = await Join(pool, "worker");
        for (int i = 0; i < 2; i++)
        {
            Job job = (await worker.Ask(1)).Job;
            await worker.Send(job, Checkpoint(job.Key));
        }
        // Who is given the next one has sent both.
        Assert.Equal("key-2", (await worker.Ask(1)).Job.Key);
        Assert.NotEmpty(Directory.GetFiles(_folder, ".workers.json.received*"));
        isSent.Set();
        Assert.Equal("it fails", (await Assert.ThrowsAsync<InvalidOperationException>(() => run)).Message);
        Assert.Empty(Directory.GetFiles(_folder, ".workers.json.received*"));
    }

    [Fact]
    public async Task A_disk_that_fills_up_while_a_checkpoint_comes_ends_the_run_and_is_not_held_against_the_worker()
    {
        using WorkPool pool = Open();
        // In the place of the first file that is received.
        string received = Path.Combine(_folder, $".{WorkersFile.ReceivedName}.{Environment.ProcessId}-1.tmp");
        File.CreateSymbolicLink(received, "/dev/full");
        Task run = Run(pool, new Trainings(1));
        using FakeWorker worker = await Join(pool, "worker");
        Job job = (await worker.Ask(1)).Job;
        Exception? end = await Record.ExceptionAsync(async () =>
        {
            await worker.Send(job, Checkpoint(job.Key));
            await worker.Hear();
        });
        Assert.True(end is EndOfStreamException or RpcException or InvalidOperationException, $"{end}");
        var error = await Assert.ThrowsAsync<WriteException>(() => run);
        Assert.Contains("could not be written: No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Empty(_observer.Warnings);
        Assert.False(Path.Exists(received));
    }

    [Fact]
    public async Task What_is_no_checkpoint_or_too_large_or_has_another_digest_is_not_taken()
    {
        using WorkPool pool = Open();
        var trainings = new Trainings(1);
        Task run = Run(pool, trainings);
        async Task Babble(string name, Func<FakeWorker, Job, Task> say)
        {
            using FakeWorker worker = await Join(pool, name);
            Job job = (await worker.Ask(1)).Job;
            // It comes further, so that it is not held against the training.
            await worker.Say(new FromWorker { Progress = new Progress { Steps = (ulong)_observer.Warnings.Count + 1 } });
            Exception? end = await Record.ExceptionAsync(async () =>
            {
                await say(worker, job);
                FromCoordinator heard = await worker.Hear();
                Assert.NotNull(heard.Refusal);
                throw new EndOfStreamException();
            });
            Assert.True(end is EndOfStreamException or RpcException, $"{end}");
        }

        await Babble("other-digest", (worker, job) => worker.Send(job, Checkpoint(job.Key), new byte[32]));
        await Babble("too-large", (worker, job) => worker.Send(job, new byte[MostBytes + 1]));
        await Babble("other-number", (worker, job) => worker.Send(new Job { Number = job.Number + 1 }, Checkpoint(job.Key)));
        await Babble("no-pieces", (worker, job) => worker.Send(job, []));
        await Babble("empty-piece", (worker, _) => worker.Say(new FromWorker { Piece = new Piece() }));
        await Babble("further-than-the-end", (worker, _) =>
            worker.Say(new FromWorker { Progress = new Progress { Steps = Steps + 1 } }));
        await Babble("score", (worker, job) => worker.Answer(job, _ => 0.5));
        // A whole file that is none: who has sent it is set aside.
        await Babble("liar", (worker, job) => worker.Send(job, Checkpoint("other")));
        Assert.Contains(_observer.Warnings, said => said.StartsWith("worker liar at 127.0.0.1:", StringComparison.Ordinal)
            && said.Contains("it is another one", StringComparison.Ordinal));
        using FakeWorker honest = await Join(pool, "honest");
        Job last = (await honest.Ask(1)).Job;
        await honest.Send(last, Checkpoint(last.Key));
        await run;
        Assert.Equal([0], trainings.Finished);
        Assert.Empty(Directory.GetFiles(_folder, ".workers.json.received*"));
    }

    [Fact]
    public async Task A_worker_that_is_lost_after_it_came_further_is_not_held_against_a_training()
    {
        using WorkPool pool = Open();
        Task run = Run(pool, new Trainings(1));
        async Task Lose(string name, ulong steps, string machine)
        {
            using FakeWorker worker = await Join(pool, name, machine);
            Assert.NotNull((await worker.Ask(1)).Job);
            if (steps > 0) await worker.Say(new FromWorker { Progress = new Progress { Steps = steps } });
            await worker.Say(new FromWorker { Failure = new Failure { Why = "it breaks" } });
            await Assert.ThrowsAsync<EndOfStreamException>(worker.Hear);
        }

        for (ulong steps = 1; steps <= 5; steps++) await Lose($"further-{steps}", steps, "one machine");
        foreach (string name in new[] { "one", "two", "three" }) await Lose(name, 5, $"of-{name}");
        var error = await Assert.ThrowsAsync<PoolException>(() => run);
        Assert.Contains(
            "the training of 0 0 0 0: three workers were lost with it, one, two, three", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class Trainings(int count) : IPooledTrainings
    {
        public List<int> Finished { get; } = [];

        public Action Finishing { get; init; } = () => { };

        public IReadOnlyList<PooledTraining> All { get; } =
        [
            .. Enumerable.Range(0, count).Select(i => new PooledTraining(
                Architecture.Parse($"{i} 0 0 0"), (ulong)i + 40, $"key-{i}", $"network {i + 1}", Steps)),
        ];

        public long MostBytes => PooledTrainingTests.MostBytes;

        public bool HasBegun(int number) => false;

        public bool Train(int number, CancellationToken cancel) => throw new NotSupportedException();

        public string? Finish(int number, string? file)
        {
            Finishing();
            if (!File.ReadAllBytes(file!).SequenceEqual(Checkpoint(All[number].Key))) return "it is another one";
            Finished.Add(number);
            return null;
        }
    }

    private sealed class Observer : IRunObserver
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public void Warn(string message) => Warnings.Enqueue(message);
    }
}
