using System.Net;

namespace Spos.Workers.Serving;

/// <summary>How a run listens to workers.</summary>
public sealed record CoordinatorSpec
{
    /// <summary>Seconds: Kestrel looks after a connection once in a third of the time that it may be silent, and waits a second.</summary>
    public const int LeastSilence = 3;

    /// <summary>Where workers find it; port 0 takes any that is free.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>What workers have to know; null for nothing, which loopback addresses alone may have.</summary>
    public string? Secret { get; init; }

    /// <summary>A worker that gives no sign of life for so long is given up; <see cref="LeastSilence"/> at least.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A worker that is no further with its work after so many times <see cref="Silence"/> is given up, too.</summary>
    public int Patience { get; init; } = 20;

    /// <summary>One of so many scores of workers is checked; 0 for none.</summary>
    public int AuditEvery { get; init; } = 20;

    /// <summary>Whether the coordinator scores only what workers disagree about, or what nobody else can check.</summary>
    public bool LeavesToWorkers { get; init; }
}
