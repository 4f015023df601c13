using System.Text.Json.Serialization;
using MessagePack;
using Spos.Engine.Supernet;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// What files say of a network's sizes: the fields that checkpoints, run.json and tables of latencies have in common. A new size is a
/// property here, which is null in files of before, and a line each in <see cref="Texts"/>, <see cref="Take"/> and <see cref="Sizes"/>.
/// </summary>
public abstract record NetworkFacts
{
    /// <summary>What blocks are called among the options, and in files.</summary>
    public const string BlocksName = "blocks";

    // The order in JSON leaves room for the fields that a record has of its own.
    [Key("image_size"), JsonPropertyName("image_size"), JsonPropertyOrder(0)]
    public int ImageSize { get; set; }

    [Key("stem_channels"), JsonPropertyName("stem_channels"), JsonPropertyOrder(2)]
    public int StemChannels { get; set; }

    // A file that was edited may have null in the place of a list.
    [Key("stage_repeats"), JsonPropertyName("stage_repeats"), JsonPropertyOrder(3)]
    public int[] StageRepeats { get; set; } = [];

    [Key("stage_channels"), JsonPropertyName("stage_channels"), JsonPropertyOrder(4)]
    public int[] StageChannels { get; set; } = [];

    [Key("last_channels"), JsonPropertyName("last_channels"), JsonPropertyOrder(5)]
    public int LastChannels { get; set; }

    /// <summary>See <see cref="BlockSet.Recorded"/>; tables of latencies always have the name.</summary>
    [Key(BlocksName), JsonPropertyName(BlocksName), JsonPropertyOrder(7), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Blocks { get; set; }

    /// <summary>A network's widths, depths and blocks as options and messages tell them.</summary>
    public static IEnumerable<(string Option, string Text)> WidthsOf(NetworkSpec spec)
    {
        var facts = new Widths();
        facts.Take(spec);
        facts.Blocks = spec.BlockSet.Name;
        return facts.Texts().Skip(1);
    }

    /// <summary>All sizes as texts, by the names of their options.</summary>
    protected IEnumerable<(string Option, string Text)> Texts() =>
    [
        ("image-size", $"{ImageSize}"),
        ("stem-channels", $"{StemChannels}"),
        ("stage-repeats", string.Join(',', StageRepeats ?? [])),
        ("stage-channels", string.Join(',', StageChannels ?? [])),
        ("last-channels", $"{LastChannels}"),
        (BlocksName, Blocks ?? ""),
    ];

    /// <summary>Takes over the sizes of a network.</summary>
    protected void Take(NetworkSpec spec)
    {
        ImageSize = spec.ImageSize;
        StemChannels = spec.StemChannels;
        StageRepeats = [.. spec.StageRepeats];
        StageChannels = [.. spec.StageChannels];
        LastChannels = spec.LastChannels;
        Blocks = spec.BlockSet.Recorded;
    }

    /// <summary>The network of these sizes; they have not been validated.</summary>
    /// <exception cref="FormatException">A newer version wrote the file: its blocks are unknown.</exception>
    protected NetworkSpec Sizes() => new()
    {
        ImageSize = ImageSize,
        StemChannels = StemChannels,
        StageRepeats = [.. StageRepeats ?? []],
        StageChannels = [.. StageChannels ?? []],
        LastChannels = LastChannels,
        BlockSet = BlockSet.Of(Blocks) ?? throw new FormatException(
            $"the network has the blocks '{Shown.Excerpt(Blocks!)}', which this program does not know. Use a newer version of it."),
    };

    private sealed record Widths : NetworkFacts;
}
