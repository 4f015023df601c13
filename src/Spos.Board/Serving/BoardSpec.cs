using System.Net;

namespace Spos.Board.Serving;

/// <summary>What a board shows, and to whom.</summary>
public sealed record BoardSpec
{
    /// <summary>The runs of this folder, and of those below it.</summary>
    public required string Folder { get; init; }

    /// <summary>Where the board listens; port 0 takes any that is free.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Who knows it may stop runs, and, where others than this machine are listened to, see them.</summary>
    public required string Token { get; init; }

    /// <summary>
    /// The command line that goes on with a run, by its kind and options, as run.json has them, and its folder; null where there is none.
    /// </summary>
    public Func<string, IReadOnlyDictionary<string, string?>, string, string?> ResumeCommand { get; init; } = (_, _, _) => null;

    /// <summary>
    /// The arguments of spos that go on with a run, by the folder in which the user started it, the arguments of then, and the run's own
    /// folder; null where there are none, and the run is not gone on with.
    /// </summary>
    public Func<string, IReadOnlyList<string>, string, IReadOnlyList<string>?> ResumeArguments { get; init; } = (_, _, _) => null;

    /// <summary>What tells the time.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
