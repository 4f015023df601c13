using System.Collections.Immutable;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// What a search chooses from in every block. The place of a design is its number in architectures, checkpoints
/// (features.3.2.… is the third design of block 3) and search spaces, so a set's designs stay as they are.
/// </summary>
/// <param name="Name">What --blocks calls it.</param>
/// <param name="Contents">What help says that it has.</param>
public sealed record BlockSet(string Name, string Contents, ImmutableArray<BlockDesign> Designs)
{
    private static readonly ImmutableArray<BlockDesign> Paper =
    [
        new("shufflenet_3x3", 3), new("shufflenet_5x5", 5), new("shufflenet_7x7", 7), new("xception_3x3", 3) { IsXception = true },
    ];

    // As in the second stage of ShuffleNetV2+ (megvii-model/ShuffleNet-Series, ShuffleNetV2+/blocks.py), and as in its later ones.
    private static readonly ImmutableArray<BlockDesign> Swished =
        [.. Paper.Select(design => design with { Name = $"{design.Name}_hs", Swishes = true })];

    private static readonly ImmutableArray<BlockDesign> Excited =
        [.. Paper.Select(design => design with { Name = $"{design.Name}_se", Swishes = true, Excites = true })];

    /// <summary>Numbered as in the official code.</summary>
    public static BlockSet ShuffleV2 { get; } = new("shuffle-v2", "the paper's four operations", Paper);

    public static BlockSet ShuffleV2Plus { get; } = new(
        "shuffle-v2+", "these, and the same with hard swish and squeeze-and-excitation",
        [.. Paper, .. Excited]);

    public static BlockSet ShuffleV2Channels { get; } =
        Scaled("shuffle-v2-channels", "shuffle-v2 with 0.2 to 1.6 times the channels inside, the paper's channel search", ShuffleV2);

    public static BlockSet ShuffleV2PlusChannels { get; } = Scaled("shuffle-v2+-channels", "the same of shuffle-v2+", ShuffleV2Plus);

    /// <summary>
    /// The network ShuffleNetV2+: its stages, its hard swish after the first convolution, and its last stage
    /// (<see cref="NetworkGraph.Tail"/>).
    /// </summary>
    public static BlockSet ShuffleV2PlusPublished { get; } =
        new("shuffle-v2+-published", "the four operations as in ShuffleNetV2+, and its last stage", Paper) { IsPublishedPlus = true };

    /// <summary>All sets. Where several would do, the first one counts.</summary>
    public static ImmutableArray<BlockSet> All { get; } =
        [ShuffleV2, ShuffleV2Plus, ShuffleV2Channels, ShuffleV2PlusChannels, ShuffleV2PlusPublished];

    /// <summary>Whether designs are operations at all channel scales, those of an operation one after the other.</summary>
    public bool HasScales => Designs[0].Scale != null;

    /// <summary>Whether what is around the blocks is that of ShuffleNetV2+ too.</summary>
    public bool IsPublishedPlus { get; private init; }

    /// <summary>How many operations there are: designs, but for their scales.</summary>
    public int Operations => Designs.Length / (HasScales ? ChannelScales.Count : 1);

    /// <summary>What a block can be: the designs, which may have more to them in later stages.</summary>
    public ImmutableArray<BlockDesign> DesignsOf(BlockSpec block) =>
        !IsPublishedPlus || block.Stage == 0 ? Designs : block.Stage == 1 ? Swished : Excited;

    /// <summary>The designs as the alternatives of a block.</summary>
    public ImmutableArray<Alternative> AlternativesOf(BlockSpec block) =>
        [.. DesignsOf(block).Select(design => new Alternative(design.Name, HasScales ? design.MiddleOf(block) : 0))];

    /// <summary>What files say of it: nothing of the paper's set, as files of before there were others.</summary>
    public string? Recorded => this == ShuffleV2 ? null : Name;

    /// <summary>The set that a file records; null if there is none of that name.</summary>
    public static BlockSet? Of(string? recorded) => recorded == null ? ShuffleV2 : All.FirstOrDefault(set => set.Name == recorded);

    public bool Equals(BlockSet? other) => other != null && Name == other.Name;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Name;

    private static BlockSet Scaled(string name, string contents, BlockSet plain) => new(name, contents,
    [
        .. plain.Designs.SelectMany(_ => Enumerable.Range(0, ChannelScales.Count), (design, scale) =>
            design with { Name = $"{design.Name}_x{ChannelScales.NameOf(scale)}", Scale = scale }),
    ]);
}
