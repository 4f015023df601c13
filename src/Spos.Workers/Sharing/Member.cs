using System.Diagnostics;

namespace Spos.Workers.Sharing;

/// <summary>What becomes of a worker.</summary>
internal enum MemberState
{
    Waiting,
    Scoring,
    Training,
    Left,
    Lost,
    SetAside,
}

/// <summary>Who works: a worker, or a thread of the coordinator itself.</summary>
/// <param name="name">Unlike any other's; null of the coordinator.</param>
/// <param name="machine">What it says that its machine is called.</param>
internal sealed class Member(string? name, string machine = "", string address = "")
{
    private readonly long _joined = Stopwatch.GetTimestamp();
    private readonly TaskCompletionSource _setAside = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsOwn => name == null;

    public string Name => name ?? "the coordinator";

    public string Machine => machine;

    public string Address => address;

    public DateTimeOffset Joined { get; } = DateTimeOffset.Now;

    public MemberState State { get; set; }

    /// <summary>Scores that it has given.</summary>
    public int Scored { get; set; }

    /// <summary>Networks that it has trained.</summary>
    public int Trained { get; set; }

    /// <summary>The trainings of it that the run has taken, and that it has not been told of, by key.</summary>
    public List<string> Taken { get; } = [];

    /// <summary>What it works at; null for nothing.</summary>
    public Lease? Lease { get; set; }

    /// <summary>Scores a minute, since it joined.</summary>
    public double PerMinute => Scored / Math.Max(Stopwatch.GetElapsedTime(_joined).TotalMinutes, 1.0 / 60);

    /// <summary>Completed when nothing that it says is believed any longer.</summary>
    public Task IsSetAside => _setAside.Task;

    public void SetAside()
    {
        State = MemberState.SetAside;
        _setAside.TrySetResult();
    }
}
