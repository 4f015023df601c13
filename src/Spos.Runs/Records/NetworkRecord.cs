using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;

namespace Spos.Runs.Records;

/// <summary>A network's sizes, and how pictures are made its input, as run.json tells them.</summary>
public sealed record NetworkRecord(
    [property: JsonPropertyName("image_size")] int ImageSize,
    [property: JsonPropertyName("stem_channels")] int StemChannels,
    [property: JsonPropertyName("stage_repeats")] int[] StageRepeats,
    [property: JsonPropertyName("stage_channels")] int[] StageChannels,
    [property: JsonPropertyName("last_channels")] int LastChannels,
    [property: JsonPropertyName("preprocessing"), JsonConverter(typeof(JsonStringEnumConverter<Preprocessing>))]
    Preprocessing Preprocessing,
    [property: JsonPropertyName("blocks"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Blocks = null)
{
    public static NetworkRecord Of(NetworkSpec spec, Preprocessing preprocessing) =>
        new(
            spec.ImageSize, spec.StemChannels, [.. spec.StageRepeats], [.. spec.StageChannels], spec.LastChannels, preprocessing,
            spec.BlockSet.Recorded);

    /// <summary>That of a checkpoint's network.</summary>
    public static NetworkRecord Of(CheckpointHeader header) => Of(header.Spec, PreprocessingRecord.Of(header));

    /// <summary>The sizes, of a network of so many classes.</summary>
    /// <param name="source">Where the record was read, for messages.</param>
    /// <exception cref="UsageException">A newer version wrote the record.</exception>
    public NetworkSpec Spec(int classes, string source) => new()
    {
        ImageSize = ImageSize,
        Classes = classes,
        StemChannels = StemChannels,
        // A file that was edited may lack them.
        StageRepeats = [.. StageRepeats ?? []],
        StageChannels = [.. StageChannels ?? []],
        LastChannels = LastChannels,
        BlockSet = BlockSet.Of(Blocks) ?? throw new UsageException(
            $"{source}: the network has the blocks '{Shown.Excerpt(Blocks!)}', which this program does not know. "
            + "Use a newer version of it."),
    };
}
