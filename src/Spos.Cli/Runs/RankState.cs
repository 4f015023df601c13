using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;

namespace Spos.Cli.Runs;

/// <summary>An architecture of a ranking report.</summary>
/// <param name="Scores">Top-1 with the supernet's weights, one for each set of calibration pictures.</param>
/// <param name="Standalone">Top-1 on val after training from scratch; null until then.</param>
internal sealed record RankedArchitecture(string Architecture, double Flops, double[] Scores, double? Standalone);

/// <summary>rank.json: the options and the data set that the figures depend on, and the figures so far.</summary>
internal sealed class RankState(string folder, IReadOnlyDictionary<string, string> options, DataRecord data, bool acceptChangedData)
{
    public const string FileName = "rank.json";

    /// <summary>The file.</summary>
    public string FilePath { get; } = Path.Combine(folder, FileName);

    public void Save(IEnumerable<RankedArchitecture> architectures) =>
        JsonFile.Write(FilePath, new Contents(new Dictionary<string, string>(options), data, [.. architectures]));

    /// <summary>What was saved; null if nothing was.</summary>
    /// <exception cref="Verbs.UsageException">It was made with other options or pictures.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public RankedArchitecture[]? Load()
    {
        if (!File.Exists(FilePath)) return null;
        try
        {
            Contents contents = JsonSerializer.Deserialize<Contents>(File.ReadAllText(FilePath)) ?? throw new JsonException("it is empty.");
            if (contents.Options == null || contents.Architectures == null || contents.Architectures.Any(a => a is not { Architecture: not null, Scores.Length: > 0 })) throw new JsonException("it holds no ranking.");
            OptionCheck.Require(FilePath, contents.Options, options, acceptChangedData || contents.Data?.Train != null);
            contents.Data?.Require(FilePath, data, acceptChangedData);
            return contents.Architectures;
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{FilePath} is damaged: {error.Message} Begin anew with --restart.");
        }
    }

    private sealed record Contents(Dictionary<string, string> Options, DataRecord? Data, RankedArchitecture[] Architectures);
}
