using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>An architecture of a ranking report.</summary>
/// <param name="Scores">
/// Top-1 with the supernet's weights, one for each set of calibration pictures; empty where some turned out to be wrong, until they are
/// made again.
/// </param>
/// <param name="Standalone">Top-1 on val after training from scratch; null until then.</param>
/// <param name="Repeats">The same after further trainings, with the next seeds; null if there are none.</param>
public sealed record RankedArchitecture(
    string Architecture, double Flops, double[] Scores, double? Standalone,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double[]? Repeats = null)
{
    /// <summary>Top-1 on val of all trainings from scratch so far, in the order of their seeds.</summary>
    [JsonIgnore]
    public double[] Trainings => Standalone is { } first ? [first, .. Repeats ?? []] : [];

    /// <summary>The same architecture with one more training.</summary>
    public RankedArchitecture Trained(double top1) =>
        Standalone == null ? this with { Standalone = top1 } : this with { Repeats = [.. Repeats ?? [], top1] };
}

/// <summary>rank.json: the options and the data set that the figures depend on, and the figures so far.</summary>
public sealed class RankState(string folder, KeptOptions options, DataRecord data, bool acceptChangedData, Action<string> warn)
    : ArchitecturesFile<RankedArchitecture>(Path.Combine(folder, FileName), options, data, acceptChangedData, warn)
{
    public const string FileName = "rank.json";

    /// <summary>What was saved; null if nothing was.</summary>
    /// <exception cref="UsageException">It was made with other options or pictures.</exception>
    /// <exception cref="CheckpointException">It is damaged, or has figures that cannot be.</exception>
    /// <param name="space">What was searched.</param>
    /// <param name="recalibrations">Scores of an architecture.</param>
    public RankedArchitecture[]? Load(SearchSpace space, int recalibrations) => Load(
        "ranking", one => one is { Architecture: not null, Scores: not null },
        (check, field, one) => Check(field, one, check, space, recalibrations));

    private static void Check(string field, RankedArchitecture one, FigureCheck check, SearchSpace space, int recalibrations)
    {
        check.Architecture($"{field}.{nameof(one.Architecture)}", one.Architecture, space);
        check.Amount($"{field}.{nameof(one.Flops)}", one.Flops);
        if (one.Scores.Length != recalibrations && one.Scores.Length > 0)
        {
            throw check.Wrong(
                $"{field}.{nameof(one.Scores)} has {one.Scores.Length} numbers, not one for each of {recalibrations} recalibrations");
        }
        foreach ((int set, double score) in one.Scores.Index()) check.Share($"{field}.{nameof(one.Scores)}[{set}]", score);
        if (one.Standalone is { } standalone) check.Share($"{field}.{nameof(one.Standalone)}", standalone);
        else if (one.Repeats is { Length: > 0 })
        {
            throw check.Wrong($"{field}.{nameof(one.Repeats)} is there without {nameof(one.Standalone)}, of the first training");
        }
        foreach ((int number, double top1) in (one.Repeats ?? []).Index()) check.Share($"{field}.{nameof(one.Repeats)}[{number}]", top1);
    }
}
