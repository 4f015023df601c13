using System.Diagnostics;
using System.Net;
using Spos.Engine.Files;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;
using Spos.Workers.Sharing;

namespace Spos.Workers.Serving;

/// <summary>Scores the candidates of a search by this process and by the workers that have joined it.</summary>
public sealed class ScoringPool : IScoringPool
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2), LongestParting = TimeSpan.FromSeconds(5);

    private readonly PoolSpec _spec;
    private readonly IRunObserver _observer;
    private readonly Dispatch _dispatch;
    private readonly Coordinator _coordinator;
    private readonly StatusFile _status;
    private bool _saysWhoIsMissing;

    private ScoringPool(CoordinatorSpec coordinator, PoolSpec spec)
    {
        (_spec, _observer, _saysWhoIsMissing) = (spec, spec.Observer, coordinator.LeavesToWorkers);
        _dispatch = new Dispatch(coordinator.AuditEvery, coordinator.LeavesToWorkers, _observer.Say, _observer.Warn);
        _status = new StatusFile(spec.Folder);
        _coordinator = Coordinator.Start(coordinator, spec.Facts, _dispatch).GetAwaiter().GetResult();
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
    public static ScoringPool Open(CoordinatorSpec coordinator, PoolSpec spec)
    {
        RequireSecret(coordinator);
        return new ScoringPool(coordinator, spec);
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
            + "search and its workers the same --secret-file (openssl rand -hex 32 makes one), or listen at 127.0.0.1.");
    }

    /// <summary>Where workers join, such as 127.0.0.1:6781.</summary>
    public string Address => _coordinator.Address;

    public void MarkDone() => _dispatch.MarkDone();

    public void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel)
    {
        var generation = new Generation(paths);
        _dispatch.Begin(generation);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Thread[] threads = [.. _spec.Own.Select(scorer => new Thread(() => Work(scorer, ended.Token)))];
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
            }
            // What this process was scoring when it was stopped.
            Tell(generation, done);
        }
        finally
        {
            _dispatch.Stop();
            WriteStatus();
        }
    }

    // Results do not depend on it.
    private void WriteStatus()
    {
        try
        {
            _status.Write(_dispatch.Members, now: true);
        }
        catch (WriteException error)
        {
            _observer.Warn(error.Message);
        }
    }

    // What is scored is told on this thread, so that what goes wrong with it ends the search.
    private void Follow(Generation generation, Action<int, double> done, CancellationToken cancel)
    {
        while (true)
        {
            Task changed = _dispatch.Changed;
            bool isDone = Tell(generation, done);
            _status.Write(_dispatch.Members, now: false);
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
    private bool Tell(Generation generation, Action<int, double> done)
    {
        ((int Path, double Score)[] news, bool isDone) = _dispatch.Collect(generation);
        foreach ((int path, double score) in news) done(path, score);
        return isDone;
    }

    private void TellWhoIsMissing()
    {
        if (!_saysWhoIsMissing || _dispatch.Count > 0) return;
        _saysWhoIsMissing = false;
        _observer.Say("No worker is there: the search waits for one.");
    }

    // A thread of this process.
    private void Work(IPathScorer scorer, CancellationToken ended)
    {
        var own = new Member(null);
        try
        {
            while (!ended.IsCancellationRequested)
            {
                Task changed = _dispatch.Changed;
                if (_dispatch.Take(own, scorer.Room) is { } lease) _dispatch.Finish(own, lease, scorer.Score(lease.Paths));
                else changed.Wait(ended);
            }
        }
        catch (OperationCanceledException)
        {
            // The generation is over, or the search stops.
        }
        catch (Exception error)
        {
            _dispatch.Fail(error);
        }
    }

    public void Dispose()
    {
        // Workers hear that the search is over when they ask for more.
        long start = Stopwatch.GetTimestamp();
        while (_dispatch.IsOver && _dispatch.Count > 0 && Stopwatch.GetElapsedTime(start) < LongestParting) Thread.Sleep(20);
        _coordinator.DisposeAsync().AsTask().GetAwaiter().GetResult();
        WriteStatus();
    }
}
