using System.Runtime.ExceptionServices;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;

namespace Spos.Workers.Sharing;

/// <summary>
/// Shares the paths of a generation out to who asks for them, and takes scores, or trained networks, back. A path whose worker is lost is
/// given to another. Some scores are given twice, by two members: who gives a wrong one is set aside, and its scores are withdrawn.
/// Trainings are too dear for that. Any thread may call.
/// </summary>
/// <param name="auditEvery">One of so many scores of workers is checked; 0 for none.</param>
/// <param name="leavesToWorkers">Whether the coordinator scores only what workers disagree about, or what nobody else can check.</param>
/// <param name="say">Told what happens to workers.</param>
/// <param name="warn">Told what goes wrong with them.</param>
internal sealed class Dispatch(int auditEvery, bool leavesToWorkers, Action<string> say, Action<string> warn)
{
    /// <summary>A path that so many workers were lost with is not given to another.</summary>
    public const int MostLost = 3;

    // Where there are fewer machines than that.
    private const int MostFailures = MostLost * Admission.MostFailures;

    private readonly Lock _lock = new();
    private readonly List<Member> _workers = [], _gone = [];
    private readonly Admission _admission = new();
    private readonly Audit _audit = new(auditEvery);

    private Generation? _now;
    private long _leases;
    private TaskCompletionSource _changed = NewSource();
    private Exception? _failure;

    /// <summary>Completed at the next change, whatever it is.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock) return _changed.Task;
        }
    }

    /// <summary>Whether the run is done.</summary>
    public bool IsOver { get; private set; }

    /// <summary>All workers that are there, and those that were.</summary>
    public IReadOnlyList<Member> Members
    {
        get
        {
            lock (_lock) return [.. _workers, .. _gone];
        }
    }

    /// <summary>Workers that are there.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _workers.Count;
        }
    }

    public void MarkDone() => Change(() => IsOver = true);

    /// <param name="machine">What it calls its machine.</param>
    /// <param name="refusal">Why it is not let in; null if it is.</param>
    public Member? Join(string name, string machine, string address, out string? refusal)
    {
        (Member? joined, refusal) = Change<(Member?, string?)>(() =>
        {
            if (_admission.RefusalOf(name, machine) is { } why) return (null, why);
            var member = new Member(name, machine, address);
            _workers.Add(member);
            say($"Worker {name} joins from {address}: {Workers}.");
            return (member, null);
        });
        return joined;
    }

    /// <summary>A worker is there no longer.</summary>
    /// <param name="lease">What it had; null if nothing.</param>
    /// <param name="loss">How it was lost; null if it has left in good order.</param>
    public void Leave(Member member, Lease? lease, Loss? loss) => Change(() =>
    {
        _workers.Remove(member);
        _gone.Add(member);
        if (member.State != MemberState.SetAside)
        {
            member.State = loss == null ? MemberState.Left : MemberState.Lost;
            if (loss == null) say($"Worker {member.Name} leaves: {Workers}.");
            else warn($"worker {member.Name} is lost: {loss.Why}. There {(_workers.Count == 1 ? "is" : "are")} {Workers}.");
            if (loss is { IsReported: true } && !HasComeFurther(lease) && _admission.CountFailure(member)) ShutOut(member, loss.Why);
        }
        member.Lease = null;
        if (lease != null) GiveBack(lease, member, member.State == MemberState.SetAside ? null : loss);
        // Those that are gone are told of, but not for ever.
        if (_gone.Count > 1000) _gone.RemoveAt(0);
    });

    /// <summary>The next paths for a member; null if there is nothing for it now.</summary>
    /// <param name="room">The most that it takes together.</param>
    /// <param name="hasBegun">Tells the trainings that it would go on with.</param>
    public Lease? Take(Member member, int room, Predicate<PooledTraining> hasBegun)
    {
        lock (_lock)
        {
            if (_now == null || member.State == MemberState.SetAside) return null;
            Lease? lease = Next(_now, member, room, hasBegun);
            if (!member.IsOwn)
            {
                member.State = lease == null ? MemberState.Waiting
                    : lease.Training == null ? MemberState.Scoring : MemberState.Training;
            }
            member.Lease = lease;
            return lease;
        }
    }

    private Lease? Next(Generation now, Member member, int room, Predicate<PooledTraining> hasBegun)
    {
        Lease Of(IReadOnlyList<int> numbers, bool second = false) => new(++_leases, numbers, now, second);
        Lease? One(List<int> from, Predicate<int> suits, bool second)
        {
            int at = from.FindIndex(suits);
            if (at < 0) return null;
            int path = from[at];
            from.RemoveAt(at);
            return Of([path], second);
        }

        if (member.IsOwn && One(now.Disputed, _ => true, second: true) is { } disputed) return disputed;
        bool checks = !member.IsOwn || !leavesToWorkers || _workers.Count < 2;
        bool IsOthers(int path) => now.Works[path].First!.Value.By.Name != member.Name;
        if (checks && One(now.Unchecked, IsOthers, second: true) is { } second) return second;
        // What may have brought a worker down is not tried here while others are there to try it.
        bool tries = !member.IsOwn || (_workers.Count == 0 && !leavesToWorkers);
        if (tries && One(now.Suspects, _ => true, second: false) is { } suspect) return suspect;
        if (member.IsOwn && leavesToWorkers) return null;
        int[] taken = now.Take(room, _workers.Count + (leavesToWorkers ? 0 : 1), hasBegun);
        return taken.Length == 0 ? null : Of(taken);
    }

    /// <summary>A member has done what it took.</summary>
    /// <param name="answers">By path.</param>
    /// <returns>Whether they count.</returns>
    public bool Finish(Member member, Lease lease, IReadOnlyList<Answer> answers) => Change(() =>
    {
        member.Lease = null;
        if (member.State == MemberState.SetAside)
        {
            GiveBack(lease, member, null);
            return false;
        }
        _admission.CountSuccess(member);
        if (lease.Training == null) member.Scored += answers.Count;
        else member.Trained += answers.Count;
        if (lease.Generation != _now) return false;
        foreach ((int path, Answer answer) in lease.Numbers.Zip(answers))
        {
            if (!lease.IsSecond)
            {
                _audit.Accept(_now, path, answer, member);
                continue;
            }
            foreach ((Member by, Answer said) in _audit.Compare(_now, path, answer, member))
            {
                SetAside(by, $"it scored {_now.Paths[path]} as {said.Score:R}, which is {answer.Score:R}");
            }
        }
        return true;
    });

    /// <summary>What a worker has trained is not what it should be.</summary>
    public void Refuse(Generation generation, int path, string why) => Change(() =>
    {
        Generation.PathProgress work = generation.Works[path];
        SetAside(work.First!.Value.By, $"what it sent as {generation.NameOf(path)} is none: {why}");
        work.First = null;
        generation.Open++;
        generation.Return([path]);
    });

    /// <summary>The run has what a worker has trained.</summary>
    public void MarkTaken(Generation generation, int path)
    {
        lock (_lock)
        {
            if (generation.Works[path].First is { By: var by }) by.Taken.Add(generation.Trainings!.All[path].Key);
        }
    }

    /// <summary>What the run has taken of a member's trainings, by key; each is told once.</summary>
    public IReadOnlyList<string> TakenOf(Member member)
    {
        lock (_lock)
        {
            string[] taken = [.. member.Taken];
            member.Taken.Clear();
            return taken;
        }
    }

    private void SetAside(Member member, string why)
    {
        if (!_admission.Distrust(member)) return;
        member.SetAside();
        // It may have joined again since.
        foreach (Member same in _workers.Where(one => one.Name == member.Name)) same.SetAside();
        int withdrawn = _audit.Withdraw(member.Name);
        warn(
            $"worker {member.Name} at {member.Address} is set aside: {why}. "
            + (withdrawn == 0 ? "There is no other score of it that nobody has checked."
                : $"Its {withdrawn} scores that nobody has checked are made again."));
    }

    // Whether a training is further than whoever was lost with it before: a long one may well lose some.
    private bool HasComeFurther(Lease? lease) =>
        lease is { Training: not null } && lease.Generation == _now && lease.Steps > _now.Works[lease.Numbers[0]].Furthest;

    private void ShutOut(Member member, string why)
    {
        string said = $"{Admission.MostFailures} workers of {member.Machine} have failed one after another";
        warn($"{said}: no other of it is let in until this run is started again.");
        if (!leavesToWorkers || _workers.Count > 0) return;
        _failure ??= new PoolException(
            $"{said}, the last one because {why}, and no other worker is there. What is done is kept: mend that, then run the same command "
            + "again.");
    }

    // Of a member that was lost, unless there is no loss.
    private void GiveBack(Lease lease, Member member, Loss? loss)
    {
        if (lease.Generation != _now) return;
        if (loss == null && !lease.IsSecond)
        {
            IEnumerable<int> suspects = lease.Numbers.Where(i => _now.Works[i].Lost.Count > 0);
            _now.Suspects.AddRange(suspects);
            _now.Return(lease.Numbers.Except(suspects));
            return;
        }
        foreach (int path in lease.Numbers)
        {
            Generation.PathProgress work = _now.Works[path];
            if (lease.IsSecond)
            {
                // Its score is known, and this process checks what a worker was lost with.
                (loss == null ? _now.Unchecked : _now.Disputed).Add(path);
                continue;
            }
            // A long training may well lose some that have come further with it.
            bool isReported = loss is { IsReported: true };
            if (loss != null && lease.Steps <= work.Furthest)
            {
                // One whose connection breaks again and again is one; and a machine that is broken fails with whatever it is given.
                work.Lost.TryAdd(isReported && member.Machine.Length > 0 ? member.Machine : member.Name, member.Name);
                if (isReported) work.Failures++;
            }
            work.Furthest = Math.Max(work.Furthest, lease.Steps);
            if (work.Lost.Count >= MostLost || work.Failures >= MostFailures)
            {
                string lost = work.Lost.Count >= MostLost ? "three workers were lost with it, " : "workers fail with it again and again: ";
                _failure ??= new PoolException(
                    $"{_now.NameOf(path)}: {lost}{string.Join(", ", work.Lost.Values)}. It is given to no other, and without it the run "
                    + "cannot go on; what is done is kept. See what the workers say, then run the same command again; without --listen it "
                    + "is done here.");
            }
            _now.Suspects.Add(path);
        }
    }

    /// <summary>A generation begins.</summary>
    public void Begin(Generation generation) => Change(() => (_now, _failure) = (generation, null));

    /// <summary>It is over, whether it is whole or not.</summary>
    public void Stop() => Change(() => _now = null);

    /// <summary>The next news, if there is any, and whether that was all. What went wrong is told after all news.</summary>
    /// <exception cref="PoolException">A path brings workers down.</exception>
    /// <exception cref="ScoresWithdrawnException">Scores were wrong.</exception>
    public ((int Path, Answer Answer)? News, bool IsDone) Collect(Generation generation)
    {
        lock (_lock)
        {
            if (generation.News.TryDequeue(out (int, Answer) news)) return (news, false);
            if (_audit.TakeWithdrawn() is { Count: > 0 } withdrawn) throw new ScoresWithdrawnException(withdrawn);
            if (_failure != null) ExceptionDispatchInfo.Throw(_failure);
            return (null, generation.Open == 0);
        }
    }

    /// <summary>This process fails.</summary>
    public void Fail(Exception error) => Change(() => _failure ??= error);

    private string Workers => _workers.Count == 1 ? "1 worker" : $"{_workers.Count} workers";

    private void Change(Action change) => Change<object?>(() =>
    {
        change();
        return null;
    });

    private T Change<T>(Func<T> change)
    {
        TaskCompletionSource before;
        T result;
        lock (_lock)
        {
            result = change();
            (before, _changed) = (_changed, NewSource());
        }
        before.SetResult();
        return result;
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
