using System.Globalization;
using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Training;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>Why a network is trained.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FrontSource>))]
public enum FrontSource
{
    /// <summary>It is of the front that a search found.</summary>
    Front,

    /// <summary>It was drawn at random, to compare with.</summary>
    Random,

    /// <summary>All of its blocks are alike, as those that people make.</summary>
    Handmade,
}

/// <summary>A network that is trained with a front.</summary>
/// <param name="Number">Among those of its source, from the cheapest on, from 0.</param>
/// <param name="Score">Top-1 with the supernet's weights; null if the search did not tell it.</param>
/// <param name="Top1">On val after training; null until then, as are the two that follow.</param>
public sealed record FrontNetwork(
    FrontSource Source, int Number, string Architecture, double? Score, double? Top1 = null, double? Top5 = null, double? Loss = null)
{
    /// <summary>The folder of its training, and what its exported files are called but for their endings; a name in Python too.</summary>
    [JsonIgnore]
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Source}_{Number:D3}").ToLowerInvariant();

    /// <summary>What <see cref="Architecture"/> says.</summary>
    [JsonIgnore]
    public Architecture Path => Space.Architecture.Parse(Architecture);

    /// <summary>The same network with what its training came to.</summary>
    public FrontNetwork Trained(Accuracy accuracy) =>
        this with { Top1 = accuracy.Top1, Top5 = accuracy.Top5, Loss = accuracy.Loss };
}

/// <summary>networks.json: the options and the data set that the figures depend on, and the figures so far.</summary>
public sealed class FrontState(string folder, KeptOptions options, DataRecord data, bool acceptChangedData, Action<string> warn)
    : ArchitecturesFile<FrontNetwork>(Path.Combine(folder, FileName), options, data, acceptChangedData, warn)
{
    public const string FileName = "networks.json";

    /// <summary>What an option came to in the run of a folder; null if there is none, or nobody knows.</summary>
    internal static string? OptionOf(string folder, string name) => OptionIn(Path.Combine(folder, FileName), name);

    /// <summary>What was saved; null if nothing was.</summary>
    /// <param name="space">What was searched.</param>
    /// <exception cref="UsageException">It was made with other options or pictures.</exception>
    /// <exception cref="CheckpointException">It is damaged, or has figures that cannot be.</exception>
    public FrontNetwork[]? Load(SearchSpace space) => Load(
        "trained front", one => one.Architecture != null, (check, field, one) => Check(field, one, check, space));

    private static void Check(string field, FrontNetwork one, FigureCheck check, SearchSpace space)
    {
        check.Architecture($"{field}.{nameof(one.Architecture)}", one.Architecture, space);
        if (!Enum.IsDefined(one.Source)) throw check.Wrong($"{field}.{nameof(one.Source)} is {(int)one.Source}, which is no source");
        check.Amount($"{field}.{nameof(one.Number)}", one.Number);
        if (one.Score is { } score) check.Share($"{field}.{nameof(one.Score)}", score);
        if (one.Top1 is { } top1) check.Share($"{field}.{nameof(one.Top1)}", top1);
        if (one.Top5 is { } top5) check.Share($"{field}.{nameof(one.Top5)}", top5);
        if (one.Loss is { } loss) check.Amount($"{field}.{nameof(one.Loss)}", loss);
        if (one.Top1 == null != (one.Top5 == null) || one.Top1 == null != (one.Loss == null))
        {
            throw check.Wrong($"{field} has only some of {nameof(one.Top1)}, {nameof(one.Top5)} and {nameof(one.Loss)}");
        }
    }
}
