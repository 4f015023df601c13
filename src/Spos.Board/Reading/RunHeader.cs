using System.Text.Json.Serialization;

namespace Spos.Board.Reading;

/// <summary>Whether a run is alive, and if not, whether it came to its end.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
internal enum RunState
{
    /// <summary>A process of this machine holds the run's lock.</summary>
    Running,

    /// <summary>None does, and the run left its result.</summary>
    Finished,

    /// <summary>None does, and there is no result: it was stopped, was killed, or failed.</summary>
    Stopped,
}

/// <summary>What the list of runs tells of one.</summary>
/// <param name="Path">Below the board's folder; empty for that folder itself.</param>
/// <param name="Command">The kind of the run, as run.json has it.</param>
/// <param name="Title">The kind in words.</param>
/// <param name="Threads">Those of the device.</param>
/// <param name="Started">When it was started, last of all, as the run wrote it.</param>
/// <param name="Written">When it wrote last.</param>
/// <param name="Done">Of <paramref name="Total"/>, in <paramref name="Unit"/>; null if nobody knows.</param>
/// <param name="Epoch">Counted from 1; 0 where there are none.</param>
/// <param name="PerSecond">How fast it is; null as long as the board has not seen it go on.</param>
/// <param name="SecondsLeft">How long it will take at that rate.</param>
/// <param name="Figure">The newest figure, in words.</param>
/// <param name="Warnings">What should be known.</param>
/// <param name="IsPart">Whether it is a part of the run in the folder above, which goes on with it.</param>
/// <param name="CanResume">Whether the board can go on with it.</param>
internal sealed record RunHeader(
    string Path, string Command, string Title, RunState State, string? Device, int? Threads, string? Started,
    DateTime Written, long Done, long? Total, string Unit, long Epoch, long? Epochs, double? PerSecond, double? SecondsLeft,
    string Figure, string[] Warnings, bool IsPart, bool CanResume);
