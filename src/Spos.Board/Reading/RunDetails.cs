using System.Text.Json;
using Spos.Runs.Folders;
using Spos.Runs.Reading;

namespace Spos.Board.Reading;

/// <summary>A line of a chart.</summary>
/// <param name="Count">So many points it has before it is decimated.</param>
internal sealed record NamedPoints(string Name, int Count, Points Points);

/// <summary>All that the page shows of a run.</summary>
/// <param name="Resume">The command that goes on with the run; null where there is none.</param>
/// <param name="Series">The metrics, decimated.</param>
/// <param name="Options">What the run was started with.</param>
/// <param name="Operations">What the network's operations are called, by their numbers.</param>
/// <param name="Workers">Those that share its work, and those that did; null where there are none.</param>
/// <param name="Result">result.json; null if there is none.</param>
internal sealed record RunDetails(
    RunHeader Header, string? Resume, NamedPoints[] Series, Candidates? Candidates, FrontMember?[]? Front, RankedArchitecture?[]? Ranked,
    FrontNetwork?[]? Networks, WorkerRecord?[]? Workers, JsonElement? Result, IReadOnlyDictionary<string, string> Options,
    string[] Operations);
