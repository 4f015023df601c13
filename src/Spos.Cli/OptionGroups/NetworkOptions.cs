using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class NetworkOptions : RecipeOptions, IBlocksOption
{
    [Option("image-size", HelpText =
        "Height and width of the network's input (default: 224, or what a search or checkpoint that is given was made with).")]
    [InRange(32, NetworkSpec.MostImageSize, MultipleOf = 32)]
    [Influences(Influence.Kept)]
    public int? ImageSize { get; set; }

    [Option("stem-channels", HelpText = "Channels after the first convolution (default: 16, or as --image-size).")]
    [InRange(1, NetworkSpec.MostChannels)]
    [Influences(Influence.Kept)]
    public int? StemChannels { get; set; }

    [Option("stage-repeats", Separator = ',', HelpText = "Choice blocks of the four stages (default: 4,4,8,4, or as --image-size).")]
    [InRange(1, 64, Count = 4)]
    [Influences(Influence.Kept)]
    public IEnumerable<int> StageRepeats { get; set; } = [];

    [Option("stage-channels", Separator = ',', HelpText = "Channels of the four stages (default: 64,160,320,640, or as --image-size).")]
    [InRange(2, NetworkSpec.MostChannels, MultipleOf = 2, Count = 4)]
    [Influences(Influence.Kept)]
    public IEnumerable<int> StageChannels { get; set; } = [];

    [Option("last-channels", HelpText = "Channels of the last convolution (default: 1024, or as --image-size).")]
    [InRange(1, NetworkSpec.MostLastChannels)]
    [Influences(Influence.Kept)]
    public int? LastChannels { get; set; }

    public string? Blocks { get; set; }

    [Option("dropout", Default = 0.1f, HelpText = "Probability of dropping a feature before the classifier.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float Dropout { get; set; } = 0.1f;

    /// <summary>The network's sizes.</summary>
    protected NetworkSizes Sizes => new(
        ImageSize, StemChannels, [.. StageRepeats], [.. StageChannels], LastChannels, Dropout, this.AskedBlocks());
}
