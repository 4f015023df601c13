using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Grpc.Core;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;
using Spos.Workers.Serving;
using Spos.Workers.Sharing;

namespace Spos.Cli.Tests.Workers;

/// <summary>
/// A pool and workers of the test's, which score by a formula: who gets what, and what becomes of those who fail, lie or babble.
/// </summary>
public sealed class WorkPoolTests : IDisposable
{
    private const string Secret = "0123456789abcdef";
    private const ulong Seed = 7;

    private static readonly Dictionary<string, string> Facts = WorkFacts.Names.ToDictionary(name => name, name => $"the {name}");

    private static readonly Architecture[] Paths =
        [.. Enumerable.Range(0, 40).Select(i => Architecture.Parse($"{i % 4} {i / 4 % 4} {i / 16} 0"))];

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
    private readonly Observer _observer = new();

    private static double ScoreOf(string path) =>
        path.Where(char.IsDigit).Aggregate(7, (sum, digit) => ((sum * 31) + digit) % 1009) / 1009.0;

    private WorkPool Open(int auditEvery = 0, bool onlyWorkers = true, string? secret = null, bool isImpatient = false)
    {
        var spec = new CoordinatorSpec
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            AuditEvery = auditEvery,
            LeavesToWorkers = onlyWorkers,
            Secret = secret,
        };
        if (isImpatient) spec = spec with { Silence = TimeSpan.FromSeconds(CoordinatorSpec.LeastSilence), Patience = 1 };
        return WorkPool.Open(spec, new PoolSpec(Facts, new TrainingRecipe("kind", [new("epochs", "3")], []), _folder, _observer));
    }

    private static async Task<double[]> Score(WorkPool pool, Architecture[]? paths = null)
    {
        double[] scores = [.. (paths ?? Paths).Select(_ => double.NaN)];
        await Task.Factory.StartNew(
            () => pool.Scorer(Seed, [new Own()]).Score(paths ?? Paths, (i, score) => scores[i] = score, CancellationToken.None),
            TaskCreationOptions.LongRunning)
            .WaitAsync(TimeSpan.FromSeconds(60));
        return scores;
    }

    private static void RequireRight(double[] scores) => Assert.Equal(Paths.Select(path => ScoreOf($"{path}")), scores);

    private static async Task<FakeWorker> Join(WorkPool pool, string name, string? machine = null)
    {
        var worker = new FakeWorker(pool.Address);
        Assert.NotNull((await worker.Greet(name, Facts, machine)).Welcome);
        return worker;
    }

    [Fact]
    public async Task The_pool_scores_by_itself()
    {
        using WorkPool pool = Open(onlyWorkers: false);
        RequireRight(await Score(pool));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(Secret)]
    public async Task Workers_share_the_paths_and_hear_when_the_search_is_over(string? secret)
    {
        var counts = new ConcurrentDictionary<string, int>();
        Task<FromCoordinator?[]> works;
        using (WorkPool pool = Open(auditEvery: 2, secret: secret))
        {
            works = Task.WhenAll(new[] { "a", "b", "c" }.Select(async name =>
            {
                using var worker = new FakeWorker(pool.Address, secret);
                Assert.NotNull((await worker.Greet(name, Facts)).Welcome);
                return await worker.Work(path =>
                {
                    counts.AddOrUpdate(name, 1, (_, count) => count + 1);
                    Thread.Sleep(5);
                    return ScoreOf(path);
                });
            }));
            RequireRight(await Score(pool));
            RequireRight(await Score(pool));
            pool.MarkDone();
        }
        Assert.All(await works, last => Assert.NotNull(last?.Over));
        Assert.Equal(["a", "b", "c"], counts.Keys.Order());
        using JsonDocument status = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "workers.json")));
        JsonElement workers = status.RootElement.GetProperty("workers");
        Assert.Equal(counts.Values.Sum(), workers.EnumerateArray().Sum(one => one.GetProperty("scored").GetInt32()));
    }

    [Fact]
    public async Task What_a_lost_worker_had_goes_to_others()
    {
        using WorkPool pool = Open();
        FakeWorker lost = await Join(pool, "lost");
        Task<double[]> scores = Score(pool);
        Assert.NotNull((await lost.Ask(10)).Job);
        lost.Dispose();
        using FakeWorker other = await Join(pool, "other");
        Task<FromCoordinator?> work = other.Work(ScoreOf);
        RequireRight(await scores);
        Assert.Contains(_observer.Warnings, said => said.StartsWith("worker lost is lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_worker_gives_back_is_held_against_nobody()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool);
        for (int i = 0; i < 5; i++)
        {
            using FakeWorker leaving = await Join(pool, $"leaving-{i}");
            Assert.NotNull((await leaving.Ask(1)).Job);
            await leaving.Say(new FromWorker { Leaving = new Leaving() });
            await Assert.ThrowsAsync<EndOfStreamException>(leaving.Hear);
        }
        using FakeWorker other = await Join(pool, "other");
        Task<FromCoordinator?> work = other.Work(ScoreOf);
        RequireRight(await scores);
        Assert.Empty(_observer.Warnings);
    }

    [Fact]
    public async Task A_candidate_that_three_workers_are_lost_with_ends_the_search()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool, Paths[..1]);
        foreach (string name in new[] { "one", "two", "three" })
        {
            using FakeWorker worker = await Join(pool, name);
            Job job = (await worker.Ask(10)).Job;
            Assert.Equal($"{Paths[0]}", Assert.Single(job.Architectures));
        }
        var error = await Assert.ThrowsAsync<PoolException>(() => scores);
        Assert.Contains(
            $"candidate {Paths[0]}: three workers were lost with it, one, two, three", error.Message,
            StringComparison.Ordinal);
    }

    // As one is that has no room on its disk, and that its machine starts again whenever it has ended.
    private static async Task Fail(WorkPool pool, string name, string machine)
    {
        using FakeWorker worker = await Join(pool, name, machine);
        Assert.NotNull((await worker.Ask(1)).Job);
        await worker.Say(new FromWorker { Failure = new Failure { Why = "no room" } });
        await Assert.ThrowsAsync<EndOfStreamException>(worker.Hear);
    }

    [Fact]
    public async Task A_machine_whose_workers_fail_again_and_again_is_not_let_in_and_the_search_goes_on()
    {
        using WorkPool pool = Open();
        using FakeWorker other = await Join(pool, "other");
        using FakeWorker late = await Join(pool, "late", "broken");
        Task<double[]> scores = Score(pool);
        for (int i = 0; i < Admission.MostFailures; i++) await Fail(pool, $"broken-{i}", "broken");
        // What one does that was there already changes nothing for those that come.
        await late.Answer((await late.Ask(1)).Job, ScoreOf);
        Assert.NotNull((await late.Ask(1)).Job);
        await late.Say(new FromWorker { Leaving = new Leaving() });
        using var again = new FakeWorker(pool.Address);
        Assert.Contains("failed one after another", (await again.Greet("broken-3", Facts, "broken")).Refusal.Why, StringComparison.Ordinal);
        Task<FromCoordinator?> work = other.Work(ScoreOf);
        RequireRight(await scores);
        Assert.Contains(_observer.Warnings, said => said.StartsWith("3 workers of broken have failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_machine_that_has_done_something_between_failures_is_let_in()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool);
        for (int i = 0; i < 2 * Admission.MostFailures; i++)
        {
            await Fail(pool, $"failing-{i}", "mixed");
            using FakeWorker well = await Join(pool, $"well-{i}", "mixed");
            await well.Answer((await well.Ask(1)).Job, ScoreOf);
            await well.Say(new FromWorker { Leaving = new Leaving() });
            await Assert.ThrowsAsync<EndOfStreamException>(well.Hear);
        }
        using FakeWorker other = await Join(pool, "other");
        Task<FromCoordinator?> work = other.Work(ScoreOf);
        RequireRight(await scores);
    }

    [Fact]
    public async Task A_search_that_leaves_all_to_a_machine_which_fails_again_and_again_ends()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool);
        for (int i = 0; i < Admission.MostFailures; i++) await Fail(pool, $"broken-{i}", "broken");
        var error = await Assert.ThrowsAsync<PoolException>(() => scores);
        Assert.Contains("because it fails: no room, and no other worker is there", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_candidate_that_always_fails_ends_the_search_also_on_one_machine()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool);
        string? failing = null;
        for (int i = 0; i < 9; i++)
        {
            using FakeWorker worker = await Join(pool, $"failing-{i}", "mixed");
            string path = Assert.Single((await worker.Ask(1)).Job.Architectures);
            Assert.Equal(failing ??= path, path);
            using FakeWorker well = await Join(pool, $"well-{i}", "mixed");
            await well.Answer((await well.Ask(1)).Job, ScoreOf);
            await well.Say(new FromWorker { Leaving = new Leaving() });
            await Assert.ThrowsAsync<EndOfStreamException>(well.Hear);
            await worker.Say(new FromWorker { Failure = new Failure { Why = "it breaks" } });
            await Assert.ThrowsAsync<EndOfStreamException>(worker.Hear);
        }
        var error = await Assert.ThrowsAsync<PoolException>(() => scores);
        Assert.Contains($"candidate {failing}: workers fail with it again and again: failing-0.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_candidate_that_fails_on_three_machines_ends_the_search()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool, Paths[..1]);
        foreach (string name in new[] { "one", "two", "three" }) await Fail(pool, name, $"of-{name}");
        var error = await Assert.ThrowsAsync<PoolException>(() => scores);
        Assert.Contains("three workers were lost with it, one, two, three", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_that_lies_is_named_and_its_scores_are_withdrawn(bool hasOther)
    {
        using WorkPool pool = Open(auditEvery: 1);
        using FakeWorker liar = await Join(pool, "liar");
        using FakeWorker? other = hasOther ? await Join(pool, "other") : null;
        Task<double[]> scores = Score(pool);
        static double Lie(string path) => Math.BitIncrement(ScoreOf(path));
        // However slow it is, one score is its own and is then checked.
        await liar.Answer((await liar.Ask(1)).Job, Lie);
        Task<FromCoordinator?> lies = liar.Work(Lie), work = other?.Work(ScoreOf) ?? lies;
        var withdrawn = await Assert.ThrowsAsync<ScoresWithdrawnException>(() => scores);
        Assert.NotEmpty(withdrawn.Scores);
        Assert.All(withdrawn.Scores, score => Assert.Equal(Seed, score.Seed));
        Assert.Contains("set aside", (await lies)?.Refusal?.Why, StringComparison.Ordinal);
        Assert.Contains(_observer.Warnings, said => said.StartsWith("worker liar at 127.0.0.1:", StringComparison.Ordinal));
        Assert.DoesNotContain(_observer.Warnings, said => said.StartsWith("worker other", StringComparison.Ordinal));
        using (var again = new FakeWorker(pool.Address))
        {
            Assert.Contains("set aside", (await again.Greet("liar", Facts)).Refusal.Why, StringComparison.Ordinal);
        }
        using FakeWorker? honest = hasOther ? null : await Join(pool, "honest");
        _ = honest?.Work(ScoreOf);
        RequireRight(await Score(pool));
    }

    [Fact]
    public void The_scores_of_all_who_lied_are_withdrawn_together()
    {
        var dispatch = new Dispatch(auditEvery: 1, leavesToWorkers: false, _ => { }, _observer.Warn);
        Member[] liars = [.. new[] { "one", "two" }.Select(name => dispatch.Join(name, $"of-{name}", "here", out _)!)];
        var own = new Member(null);
        var generation = new Generation(Paths[..2], Seed);
        dispatch.Begin(generation);
        Lease[] leases = [.. liars.Select(liar => dispatch.Take(liar, 1, _ => false)!)];
        foreach ((Member liar, Lease lease) in liars.Zip(leases)) Assert.True(dispatch.Finish(liar, lease, [new Answer(0.25)]));
        foreach (Member _ in liars) dispatch.Finish(own, dispatch.Take(own, 1, _ => false)!, [new Answer(0.75)]);
        // What they have said is told before.
        for (int i = 0; i < 2; i++) Assert.Equal(0.25, dispatch.Collect(generation).News!.Value.Answer.Score);
        var withdrawn = Assert.Throws<ScoresWithdrawnException>(() => dispatch.Collect(generation));
        Assert.Equal(Paths[..2].Select(path => (Seed, $"{path}")), withdrawn.Scores.OrderBy(score => score.Path));
        Assert.All(liars, liar => Assert.Equal(MemberState.SetAside, liar.State));
    }

    [Fact]
    public async Task Who_differs_in_a_fact_is_refused_by_its_name()
    {
        using WorkPool pool = Open();
        foreach (string name in WorkFacts.Names)
        {
            using var worker = new FakeWorker(pool.Address);
            string why = (await worker.Greet("worker", new Dictionary<string, string>(Facts) { [name] = "other" })).Refusal.Why;
            Assert.Contains($"{name} is other of the worker, and the {name} of the run", why, StringComparison.Ordinal);
        }
        using var silent = new FakeWorker(pool.Address);
        Assert.Contains("not told", (await silent.Greet("worker", new Dictionary<string, string>())).Refusal.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_does_not_know_the_secret_is_refused()
    {
        using WorkPool pool = Open(secret: Secret);
        using var stranger = new FakeWorker(pool.Address, "another0123456789");
        Assert.Contains("the secret", (await stranger.Greet("worker", Facts)).Refusal.Why, StringComparison.Ordinal);
        using var plain = new FakeWorker(pool.Address);
        await Assert.ThrowsAsync<RpcException>(() => plain.Greet("worker", Facts));
    }

    [Fact]
    public async Task Nobody_is_hurt_by_who_babbles()
    {
        using WorkPool pool = Open();
        Task<double[]> scores = Score(pool);
        foreach (Func<Job, FromWorker> answer in new Func<Job, FromWorker>[]
        {
            job => new FromWorker { Result = new Result { Number = job.Number } },
            job => new FromWorker { Result = new Result { Number = job.Number, Scores = { double.NaN } } },
            job => new FromWorker { Result = new Result { Number = job.Number, Scores = { 1.5 } } },
            job => new FromWorker { Result = new Result { Number = job.Number + 1, Scores = { 0.5 } } },
            job => new FromWorker { Hello = new Hello() },
            job => new FromWorker(),
            job => new FromWorker { Failure = new Failure { Why = new string('x', 10_000) + "\n\u001B[31m" } },
            job => new FromWorker { Failure = new Failure { Why = new string('x', 1_000_000) } },
        })
        {
            using FakeWorker worker = await Join(pool, "babbler");
            Job job = (await worker.Ask(1)).Job;
            // The coordinator may hang up while it is still being told.
            Exception? end = await Record.ExceptionAsync(async () =>
            {
                await worker.Say(answer(job));
                await worker.Hear();
            });
            Assert.True(end is EndOfStreamException or RpcException, $"{end}");
            // Each of them is lost with a path; one that is scored then is held against it no longer.
            using FakeWorker other = await Join(pool, "other");
            await other.Answer((await other.Ask(1)).Job, ScoreOf);
            await other.Ask(1);
            await other.Say(new FromWorker { Leaving = new Leaving() });
            await Assert.ThrowsAsync<EndOfStreamException>(other.Hear);
        }
        foreach (string name in new[] { "", new string('x', 101) })
        {
            using var nobody = new FakeWorker(pool.Address);
            Assert.NotNull((await nobody.Greet(name, Facts)).Refusal);
        }
        using FakeWorker last = await Join(pool, "last");
        Task<FromCoordinator?> work = last.Work(ScoreOf);
        RequireRight(await scores);
        Assert.All(_observer.Warnings, said => Assert.True(said.Length < 500, said));
    }

    [Fact]
    public async Task A_worker_that_comes_no_further_is_given_up()
    {
        using WorkPool pool = Open(isImpatient: true);
        using FakeWorker hanging = await Join(pool, "hanging");
        Task<double[]> scores = Score(pool);
        Assert.NotNull((await hanging.Ask(10)).Job);
        await hanging.Say(new FromWorker { Progress = new Progress { Steps = 1 } });
        await Assert.ThrowsAsync<EndOfStreamException>(hanging.Hear);
        using FakeWorker other = await Join(pool, "other");
        Task<FromCoordinator?> work = other.Work(ScoreOf);
        RequireRight(await scores);
        Assert.Contains(
            _observer.Warnings, said => said.StartsWith("worker hanging is lost: it has come no further", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_never_asks_for_work_is_given_up()
    {
        using WorkPool pool = Open(isImpatient: true);
        using FakeWorker silent = await Join(pool, "silent");
        await Assert.ThrowsAsync<EndOfStreamException>(silent.Hear);
        Assert.Contains(
            _observer.Warnings, said => said.StartsWith("worker silent is lost: it has come no further", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_scores_hears_that_the_run_is_over()
    {
        using WorkPool pool = Open();
        using FakeWorker worker = await Join(pool, "worker");
        using var stop = new CancellationTokenSource();
        Task run = Task.Factory.StartNew(
            () => pool.Scorer(Seed, []).Score(Paths, (_, _) => { }, stop.Token), TaskCreationOptions.LongRunning);
        Assert.NotNull((await worker.Ask(10)).Job);
        await stop.CancelAsync();
        await run;
        pool.MarkDone();
        Assert.NotNull((await worker.Hear()).Over);
        Assert.Empty(_observer.Warnings);
    }

    [Fact]
    public async Task No_other_worker_of_a_machine_is_let_in_after_a_wrong_score()
    {
        using WorkPool pool = Open(auditEvery: 1);
        using FakeWorker liar = await Join(pool, "liar");
        Task<double[]> scores = Score(pool);
        Task<FromCoordinator?> lies = liar.Work(path => Math.BitIncrement(ScoreOf(path)));
        await Assert.ThrowsAsync<ScoresWithdrawnException>(() => scores);
        Assert.NotNull((await lies)?.Refusal);
        using var again = new FakeWorker(pool.Address);
        Assert.Contains("of its machine", (await again.Greet("another", Facts, machine: "of-liar")).Refusal.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_machines_need_a_secret()
    {
        var spec = new CoordinatorSpec { Listen = new IPEndPoint(IPAddress.Any, 0) };
        Assert.Contains("--secret-file", Assert.Throws<UsageException>(() => WorkPool.Require(spec)).Message, StringComparison.Ordinal);
        WorkPool.Require(spec with { Secret = Secret });
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class Own : IPathScorer
    {
        public int Room => 3;

        public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths) => [.. paths.Select(path => ScoreOf($"{path}"))];
    }

    private sealed class Observer : IRunObserver
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public void Warn(string message) => Warnings.Enqueue(message);
    }
}
