using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>An architecture of a ranking report.</summary>
/// <param name="Scores">Top-1 with the supernet's weights, one for each set of calibration pictures.</param>
/// <param name="Standalone">Top-1 on val after training from scratch; null until then.</param>
public sealed record RankedArchitecture(string Architecture, double Flops, double[] Scores, double? Standalone);

/// <summary>rank.json: the options and the data set that the figures depend on, and the figures so far.</summary>
public sealed class RankState(string folder, KeptOptions options, DataRecord data, bool acceptChangedData, Action<string> warn)
{
    public const string FileName = "rank.json";

    // Far more than the most architectures come to.
    private const int MostBytes = 256 << 20;

    /// <summary>The file.</summary>
    public string FilePath { get; } = Path.Combine(folder, FileName);

    public void Save(IEnumerable<RankedArchitecture> architectures) =>
        JsonFile.Write(FilePath, new Contents(new Dictionary<string, string>(options.Values), data, [.. architectures]));

    /// <summary>What was saved; null if nothing was.</summary>
    /// <exception cref="UsageException">It was made with other options or pictures.</exception>
    /// <exception cref="CheckpointException">It is damaged, or has figures that cannot be.</exception>
    /// <param name="space">What was searched.</param>
    /// <param name="recalibrations">Scores of an architecture.</param>
    public RankedArchitecture[]? Load(SearchSpace space, int recalibrations)
    {
        if (!File.Exists(FilePath)) return null;
        try
        {
            Contents contents = JsonFile.Read<Contents>(FilePath, MostBytes);
            if (contents.Options == null || contents.Architectures?.All(a => a is { Architecture: not null, Scores.Length: > 0 }) != true)
            {
                throw new FormatException("it holds no ranking.");
            }
            options.Require(FilePath, contents.Options, acceptChangedData || contents.Data?.Train != null);
            var check = new FigureCheck(FilePath);
            contents.Data?.Check(check);
            contents.Data?.Require(FilePath, data, acceptChangedData, warn);
            foreach ((int index, RankedArchitecture one) in contents.Architectures.Index())
            {
                Check($"{nameof(Contents.Architectures)}[{index}]", one, check, space, recalibrations);
            }
            return contents.Architectures;
        }
        catch (FormatException error)
        {
            throw new CheckpointException($"{FilePath} is damaged: {error.Message} Begin anew with --restart.");
        }
    }

    private static void Check(string field, RankedArchitecture one, FigureCheck check, SearchSpace space, int recalibrations)
    {
        check.Architecture($"{field}.{nameof(one.Architecture)}", one.Architecture, space);
        check.Amount($"{field}.{nameof(one.Flops)}", one.Flops);
        if (one.Scores.Length != recalibrations)
        {
            throw check.Wrong(
                $"{field}.{nameof(one.Scores)} has {one.Scores.Length} numbers, not one for each of {recalibrations} recalibrations");
        }
        foreach ((int set, double score) in one.Scores.Index()) check.Share($"{field}.{nameof(one.Scores)}[{set}]", score);
        if (one.Standalone is { } standalone) check.Share($"{field}.{nameof(one.Standalone)}", standalone);
    }

    private sealed record Contents(Dictionary<string, string> Options, DataRecord? Data, RankedArchitecture[] Architectures);
}
