using System.Text.Json.Serialization;
using Spos.Engine.Supernet;

namespace Spos.Runs.Records;

/// <summary>The sizes that a network's latency depends on, as a table of latencies tells them.</summary>
public sealed record LatencyNetwork(
    [property: JsonPropertyName("image_size")] int ImageSize,
    [property: JsonPropertyName("classes")] int Classes,
    [property: JsonPropertyName("stem_channels")] int StemChannels,
    [property: JsonPropertyName("stage_repeats")] int[]? StageRepeats,
    [property: JsonPropertyName("stage_channels")] int[]? StageChannels,
    [property: JsonPropertyName("last_channels")] int LastChannels,
    [property: JsonPropertyName("blocks")] string? Blocks)
{
    public static LatencyNetwork Of(NetworkSpec spec) =>
        new(
            spec.ImageSize, spec.Classes, spec.StemChannels, [.. spec.StageRepeats], [.. spec.StageChannels], spec.LastChannels,
            spec.BlockSet.Name);

    /// <summary>The first size that another network has otherwise, as a sentence without its full stop; null if there is none.</summary>
    public string? DifferenceFrom(LatencyNetwork wanted) => Sizes().Zip(wanted.Sizes())
        .Where(pair => pair.First.Value != pair.Second.Value)
        .Select(pair => $"it was measured with {pair.First.Name} {Shown.Excerpt(pair.First.Value)}; the network has {pair.Second.Value}")
        .FirstOrDefault();

    private IEnumerable<(string Name, string Value)> Sizes() =>
    [
        ("image_size", $"{ImageSize}"),
        ("classes", $"{Classes}"),
        ("stem_channels", $"{StemChannels}"),
        ("stage_repeats", string.Join(',', StageRepeats ?? [])),
        ("stage_channels", string.Join(',', StageChannels ?? [])),
        ("last_channels", $"{LastChannels}"),
        ("blocks", Blocks ?? ""),
    ];
}
