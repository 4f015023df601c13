using System.Text.Json;
using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Nni;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Writes the search space in NNI's format, as its nnictl ss_gen does.</summary>
[Place(16)]
[Verb("search-space", HelpText = "Write a supernet's search space in NNI's classic format.")]
[Example("Describe the supernet that was trained", "--checkpoint runs/supernet")]
internal sealed class SearchSpaceVerb : ISizeOptions, IVerb
{
    [Option("checkpoint", HelpText =
        "The supernet: a checkpoint or the folder of its run (default: of the official sizes, or those of --image-size and so on). "
        + "With it, --image-size counts FLOPs for another input, and other sizes have to be its own.")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    public string? Blocks { get; set; }

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    [Option("file", Default = SearchConfig.SpaceFileName, HelpText = "The file to write.")]
    [Output(PathKind.File)]
    public string OutputFile { get; set; } = SearchConfig.SpaceFileName;

    public int Run()
    {
        (NetworkSpec spec, _, SearchSpace space) = NamedNetwork.Of(CheckpointPath, this.AskedSizes(), Notice.Warn);
        Func<string, bool> isSpace = Options.OutputFile.IsJsonWith("LayerChoice1", JsonValueKind.Object);
        Options.OutputFile.Require("--file", OutputFile, "a search space", isSpace);
        SearchSpaceFile.Write(OutputFile, space);
        int leftOut = space.Blocks.Sum(block => block.Length) - space.Choices.Sum(block => block.Length);
        ResultTable.Print(
            "Search space",
            ("network", $"{spec}"),
            ("blocks", $"{spec.Blocks} of {spec.BlockSet.Operations} choices"),
            ("channel scales", spec.BlockSet.HasScales ? $"{ChannelScales.Count} of each block" : null),
            ("left out", space.IsWhole ? null : $"{leftOut} alternatives"),
            ("file", Path.GetFullPath(OutputFile)));
        return ExitCode.Success;
    }
}
