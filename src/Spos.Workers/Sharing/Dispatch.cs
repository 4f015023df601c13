using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;

namespace Spos.Workers.Sharing;

/// <summary>
/// Shares the paths of a generation out to who asks for them, and takes scores back. A path whose worker is lost is given to another.
/// Some scores are given twice, by two members: who gives a wrong one is set aside, and its scores are withdrawn. Any thread may call.
/// </summary>
/// <param name="auditEvery">One of so many scores of workers is checked; 0 for none.</param>
/// <param name="leavesToWorkers">Whether the coordinator scores only what workers disagree about, or what nobody else can check.</param>
/// <param name="say">Told what happens to workers.</param>
/// <param name="warn">Told what goes wrong with them.</param>
internal sealed class Dispatch(int auditEvery, bool leavesToWorkers, Action<string> say, Action<string> warn)
{
    /// <summary>A path that so many workers were lost with is not given to another.</summary>
    public const int MostLost = 3;

    private readonly Lock _lock = new();
    private readonly List<Member> _workers = [], _gone = [];
    private readonly HashSet<string> _setAside = [];

    // Scores of workers that nobody has checked, by architecture.
    private readonly Dictionary<string, Member> _unconfirmed = [];

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

    /// <summary>Whether the search is done.</summary>
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

    /// <returns>Null if the worker was set aside before.</returns>
    public Member? Join(string name, string address) => Change(() =>
    {
        if (_setAside.Contains(name)) return null;
        var member = new Member(name, address);
        _workers.Add(member);
        say($"Worker {name} joins from {address}: {Workers}.");
        return member;
    });

    /// <summary>A worker is there no longer.</summary>
    /// <param name="lease">What it had; null if nothing.</param>
    /// <param name="why">Why it was lost; null if it has left in good order.</param>
    public void Leave(Member member, Lease? lease, string? why) => Change(() =>
    {
        _workers.Remove(member);
        _gone.Add(member);
        if (member.State != MemberState.SetAside)
        {
            member.State = why == null ? MemberState.Left : MemberState.Lost;
            if (why == null) say($"Worker {member.Name} leaves: {Workers}.");
            else warn($"worker {member.Name} is lost: {why}. There {(_workers.Count == 1 ? "is" : "are")} {Workers}.");
        }
        if (lease != null) GiveBack(lease, why == null || member.State == MemberState.SetAside ? null : member.Name);
        // Those that are gone are told of, but not for ever.
        if (_gone.Count > 1000) _gone.RemoveAt(0);
    });

    /// <summary>The next paths for a member; null if there is nothing for it now.</summary>
    /// <param name="room">The most that it takes together.</param>
    public Lease? Take(Member member, int room)
    {
        lock (_lock)
        {
            if (_now == null || member.State == MemberState.SetAside) return null;
            Lease? lease = Next(_now, member, room);
            if (!member.IsOwn) member.State = lease == null ? MemberState.Waiting : MemberState.Scoring;
            return lease;
        }
    }

    private Lease? Next(Generation now, Member member, int room)
    {
        Lease Of(IReadOnlyList<int> numbers, bool second = false) =>
            new(++_leases, numbers, [.. numbers.Select(i => now.Paths[i])], now, second);
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
        int[] taken = now.Fresh.Take(room, _workers.Count + (leavesToWorkers ? 0 : 1));
        return taken.Length == 0 ? null : Of(taken);
    }

    /// <summary>A member has scored what it took.</summary>
    /// <param name="scores">By path.</param>
    public void Finish(Member member, Lease lease, IReadOnlyList<double> scores) => Change(() =>
    {
        if (member.State == MemberState.SetAside)
        {
            GiveBack(lease, null);
            return;
        }
        member.Scored += scores.Count;
        if (lease.Generation != _now) return;
        foreach ((int path, double score) in lease.Numbers.Zip(scores))
        {
            if (lease.IsSecond) Compare(_now, path, score, member);
            else Accept(_now, path, score, member);
        }
    });

    private void Accept(Generation now, int path, double score, Member member)
    {
        Generation.Work work = now.Works[path];
        work.First = (score, member);
        now.News.Enqueue((path, score));
        now.Open--;
        string architecture = now.Paths[path].ToString();
        if (member.IsOwn)
        {
            _unconfirmed.Remove(architecture);
            return;
        }
        _unconfirmed[architecture] = member;
        // Nobody can tell which score will be checked.
        if (auditEvery == 0 || RandomNumberGenerator.GetInt32(auditEvery) != 0) return;
        now.Unchecked.Add(path);
        now.Open++;
    }

    private void Compare(Generation now, int path, double score, Member member)
    {
        Generation.Work work = now.Works[path];
        (double first, Member by) = work.First!.Value;
        if (IsSame(first, score))
        {
            now.Open--;
            _unconfirmed.Remove(now.Paths[path].ToString());
            if (work.Second is { } wrong) SetAside(wrong.By, now.Paths[path], wrong.Score, score);
        }
        else if (member.IsOwn)
        {
            now.Open--;
            SetAside(by, now.Paths[path], first, score);
            if (work.Second is { } two && !IsSame(two.Score, score)) SetAside(two.By, now.Paths[path], two.Score, score);
        }
        else
        {
            work.Second = (score, member);
            now.Disputed.Add(path);
        }
    }

    private static bool IsSame(double one, double other) => BitConverter.DoubleToInt64Bits(one) == BitConverter.DoubleToInt64Bits(other);

    private void SetAside(Member member, Architecture path, double said, double right)
    {
        if (!_setAside.Add(member.Name)) return;
        member.SetAside();
        // It may have joined again since.
        foreach (Member same in _workers.Where(one => one.Name == member.Name)) same.SetAside();
        HashSet<string> wrong = [.. _unconfirmed.Where(one => one.Value.Name == member.Name).Select(one => one.Key)];
        foreach (string one in wrong) _unconfirmed.Remove(one);
        warn(
            $"worker {member.Name} at {member.Address} is set aside: it scored {path} as {said:R}, which is {right:R}. "
            + (wrong.Count == 0 ? "It had given no other score." : $"Its {wrong.Count} scores that nobody has checked are made again."));
        if (wrong.Count > 0) _failure ??= new ScoresWithdrawnException(wrong);
    }

    private void GiveBack(Lease lease, string? lost)
    {
        if (lease.Generation != _now) return;
        if (lost == null && !lease.IsSecond)
        {
            IEnumerable<int> suspects = lease.Numbers.Where(i => _now.Works[i].Lost.Count > 0);
            _now.Suspects.AddRange(suspects);
            _now.Fresh.Return(lease.Numbers.Except(suspects));
            return;
        }
        foreach (int path in lease.Numbers)
        {
            Generation.Work work = _now.Works[path];
            if (lease.IsSecond)
            {
                // Its score is known, and this process checks what a worker was lost with.
                (lost == null ? _now.Unchecked : _now.Disputed).Add(path);
                continue;
            }
            // One whose connection breaks again and again is one.
            if (lost != null && !work.Lost.Contains(lost)) work.Lost.Add(lost);
            if (work.Lost.Count >= MostLost)
            {
                _failure ??= new PoolException(
                    $"candidate {_now.Paths[path]}: three workers were lost while they scored it, {string.Join(", ", work.Lost)}. It is "
                    + "given to no other, and without its score the search cannot go on; the scores so far are kept. See what the workers "
                    + "say, then run the same command again; without --listen the candidate is scored here.");
            }
            _now.Suspects.Add(path);
        }
    }

    /// <summary>A generation begins.</summary>
    public void Begin(Generation generation) => Change(() => (_now, _failure) = (generation, null));

    /// <summary>It is over, whether it is whole or not.</summary>
    public void Stop() => Change(() => _now = null);

    /// <summary>The scores that are news, and whether there will be more.</summary>
    /// <exception cref="PoolException">A candidate cannot be scored.</exception>
    /// <exception cref="ScoresWithdrawnException">Scores were wrong.</exception>
    public ((int Path, double Score)[] News, bool IsDone) Collect(Generation generation)
    {
        lock (_lock)
        {
            if (_failure != null) ExceptionDispatchInfo.Throw(_failure);
            (int, double)[] news = [.. generation.News];
            generation.News.Clear();
            return (news, generation.Open == 0);
        }
    }

    /// <summary>This process fails to score.</summary>
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
