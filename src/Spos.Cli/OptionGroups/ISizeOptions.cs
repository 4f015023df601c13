using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The sizes of a network, where they are the user's to choose.</summary>
internal interface ISizeOptions : IBlocksOption
{
    [Option("image-size", HelpText =
        "Height and width of the network's input (default: 224, or what a search or checkpoint that is given was made with).")]
    [InRange(32, NetworkSpec.MostImageSize, MultipleOf = 32)]
    [Influences(Influence.Kept)]
    int? ImageSize { get; set; }

    [Option("stem-channels", HelpText = "Channels after the first convolution (default: 16, or as --image-size).")]
    [InRange(1, NetworkSpec.MostChannels)]
    [Influences(Influence.Kept)]
    int? StemChannels { get; set; }

    [Option("stage-repeats", Separator = ',', HelpText = "Choice blocks of the four stages (default: 4,4,8,4, or as --image-size).")]
    [InRange(1, 64, Count = 4)]
    [Influences(Influence.Kept)]
    IEnumerable<int> StageRepeats { get; set; }

    [Option("stage-channels", Separator = ',', HelpText = "Channels of the four stages (default: 64,160,320,640, or as --image-size).")]
    [InRange(2, NetworkSpec.MostChannels, MultipleOf = 2, Count = 4)]
    [Influences(Influence.Kept)]
    IEnumerable<int> StageChannels { get; set; }

    [Option("last-channels", HelpText = "Channels of the last convolution (default: 1024, or as --image-size).")]
    [InRange(1, NetworkSpec.MostLastChannels)]
    [Influences(Influence.Kept)]
    int? LastChannels { get; set; }
}

/// <summary>What the options come to.</summary>
internal static class SizeOptions
{
    /// <summary>The sizes that are asked for.</summary>
    public static NetworkSizes AskedSizes(this ISizeOptions options, float dropout = 0) => new(
        options.ImageSize, options.StemChannels, [.. options.StageRepeats], [.. options.StageChannels], options.LastChannels, dropout,
        options.AskedBlocks());
}
