using System.Diagnostics;
using System.Net;
using Spos.Engine.Files;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;
using Spos.Workers.Sharing;

namespace Spos.Workers.Serving;

/// <summary>Scores candidates and trains networks by this process and by the workers that have joined it.</summary>
public sealed class WorkPool : IWorkPool
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2), LongestParting = TimeSpan.FromSeconds(5);

    private readonly IRunObserver _observer;
    private readonly Dispatch _dispatch;
    private readonly Coordinator _coordinator;
    private readonly StatusFile _status;
    private bool _saysWhoIsMissing, _isStatusWritten = true;

    private WorkPool(CoordinatorSpec coordinator, PoolSpec spec)
    {
        (_observer, _saysWhoIsMissing) = (spec.Observer, coordinator.LeavesToWorkers);
        _dispatch = new Dispatch(coordinator.AuditEvery, coordinator.LeavesToWorkers, _observer.Say, _observer.Warn);
        _status = new StatusFile(spec.Folder);
        _coordinator = Coordinator.Start(coordinator, spec, _dispatch).GetAwaiter().GetResult();
        // At all addresses of a machine, others find it by its name.
        string address = _coordinator.Address, host = coordinator.Listen.Address.Equals(IPAddress.Any)
            || coordinator.Listen.Address.Equals(IPAddress.IPv6Any)
            ? $"{Environment.MachineName}{address[address.LastIndexOf(':')..]}"
            : address;
        _observer.Say(
            $"Workers may join at {address}: spos worker --join {host}{(coordinator.Secret == null ? "" : " --secret-file FILE")} …");
    }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="UsageException">Others than this machine could join without a secret.</exception>
    /// <exception cref="PoolException">The address cannot be had.</exception>
    public static WorkPool Open(CoordinatorSpec coordinator, PoolSpec spec)
    {
        RequireSecret(coordinator);
        return new WorkPool(coordinator, spec);
    }

    /// <summary>Refuses what cannot be listened at, before anything is opened.</summary>
    /// <exception cref="UsageException">Others than this machine could join without a secret.</exception>
    /// <exception cref="PoolException">The address cannot be had.</exception>
    public static void Require(CoordinatorSpec coordinator)
    {
        RequireSecret(coordinator);
        Coordinator.Require(coordinator);
    }

    private static void RequireSecret(CoordinatorSpec coordinator)
    {
        if (coordinator.Secret != null || IPAddress.IsLoopback(coordinator.Listen.Address)) return;
        throw new UsageException(
            $"--listen {coordinator.Listen}: other machines reach this address, so workers have to show that they may join. Give the "
            + "run and its workers the same --secret-file (openssl rand -hex 32 makes one), or listen at 127.0.0.1.");
    }

    /// <summary>Where workers join, such as 127.0.0.1:6781.</summary>
    public string Address => _coordinator.Address;

    public void MarkDone() => _dispatch.MarkDone();

    public IGenerationScorer Scorer(ulong seed, IReadOnlyList<IPathScorer> own) => new PooledScorer(this, seed, own);

    public void Train(IPooledTrainings trainings, CancellationToken cancel)
    {
        var generation = new Generation(trainings);
        HashSet<string> begun = [.. trainings.All.Index().Where(one => trainings.HasBegun(one.Index)).Select(one => one.Item.Key)];
        var own = new Own(
            () => 1, training => begun.Contains(training.Key),
            (lease, ended) => trainings.Train(lease.Numbers[0], ended) ? [default] : throw new OperationCanceledException(ended));
        Share(
            generation, [own],
            (number, answer) =>
            {
                try
                {
                    if (trainings.Finish(number, answer.File) is { } fault) return fault;
                    _dispatch.MarkTaken(generation, number);
                    return null;
                }
                finally
                {
                    Discard(answer);
                }
            },
            cancel);
    }

    /// <param name="done">Told of each path's number and what it came to; says what is wrong with that, or null.</param>
    private void Share(Generation generation, IReadOnlyList<Own> own, Func<int, Answer, string?> done, CancellationToken cancel)
    {
        _dispatch.Begin(generation);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Thread[] threads = [.. own.Select(one => new Thread(() => WorkHere(one, ended.Token)))];
        foreach (Thread thread in threads) thread.Start();
        try
        {
            try
            {
                Follow(generation, done, cancel);
            }
            finally
            {
                ended.Cancel();
                foreach (Thread thread in threads) thread.Join();
                _dispatch.Stop();
            }
            // What this process was doing when it was stopped, and what has come meanwhile.
            Tell(generation, done);
        }
        finally
        {
            // What the run is told no longer, as it fails.
            foreach ((_, Answer answer) in generation.News) Discard(answer);
            WriteStatus(now: true);
        }
    }

    // The checkpoint of an answer has been moved away if it was right.
    private static void Discard(Answer answer)
    {
        try
        {
            if (answer.File != null) File.Delete(answer.File);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            // The next run in the folder removes it.
        }
    }

    // Results do not depend on it.
    private void WriteStatus(bool now)
    {
        try
        {
            _status.Write(_dispatch.Members, now);
            _isStatusWritten = true;
        }
        catch (WriteException error)
        {
            if (_isStatusWritten) _observer.Warn(error.Message);
            _isStatusWritten = false;
        }
    }

    // What is done is told on this thread, so that what goes wrong with it ends the run.
    private void Follow(Generation generation, Func<int, Answer, string?> done, CancellationToken cancel)
    {
        while (true)
        {
            Task changed = _dispatch.Changed;
            bool isDone = Tell(generation, done);
            WriteStatus(now: false);
            if (isDone || cancel.IsCancellationRequested) return;
            TellWhoIsMissing();
            try
            {
                changed.Wait(LongestWait, cancel);
            }
            catch (OperationCanceledException)
            {
                // What has come meanwhile is told.
            }
        }
    }

    // Whether that is all.
    private bool Tell(Generation generation, Func<int, Answer, string?> done)
    {
        while (true)
        {
            ((int Path, Answer Answer)? next, bool isDone) = _dispatch.Collect(generation);
            if (next is not var (path, answer)) return isDone;
            if (done(path, answer) is { } fault) _dispatch.Refuse(generation, path, fault);
        }
    }

    private void TellWhoIsMissing()
    {
        if (!_saysWhoIsMissing || _dispatch.Count > 0) return;
        _saysWhoIsMissing = false;
        _observer.Say("No worker is there: the run waits for one.");
    }

    // A thread of this process.
    private void WorkHere(Own own, CancellationToken ended)
    {
        var member = new Member(null);
        try
        {
            while (!ended.IsCancellationRequested)
            {
                Task changed = _dispatch.Changed;
                if (_dispatch.Take(member, own.Room(), own.HasBegun) is { } lease)
                {
                    _dispatch.Finish(member, lease, own.Do(lease, ended));
                }
                else
                {
                    changed.Wait(ended);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The generation is over, or the run stops.
        }
        catch (Exception error)
        {
            _dispatch.Fail(error);
        }
    }

    public void Dispose()
    {
        // Workers hear that the run is over.
        long start = Stopwatch.GetTimestamp();
        while (_dispatch.IsOver && _dispatch.Count > 0 && Stopwatch.GetElapsedTime(start) < LongestParting) Thread.Sleep(20);
        _coordinator.DisposeAsync().AsTask().GetAwaiter().GetResult();
        WriteStatus(now: true);
    }

    /// <summary>What a thread of this process does.</summary>
    private sealed record Own(Func<int> Room, Predicate<PooledTraining> HasBegun, Func<Lease, CancellationToken, Answer[]> Do);

    private sealed class PooledScorer(WorkPool pool, ulong seed, IReadOnlyList<IPathScorer> own) : IGenerationScorer
    {
        public void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel) => pool.Share(
            new Generation(paths, seed),
            [
                .. own.Select(scorer => new Own(
                    () => scorer.Room, _ => false,
                    (lease, _) => [.. scorer.Score(lease.Paths).Select(score => new Answer(score))])),
            ],
            (path, answer) =>
            {
                done(path, answer.Score);
                return null;
            },
            cancel);
    }
}
