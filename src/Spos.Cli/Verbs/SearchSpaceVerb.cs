using System.Text.Json;
using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Nni;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;

namespace Spos.Cli.Verbs;

/// <summary>Writes the search space in NNI's format, as its nnictl ss_gen does.</summary>
[Verb("search-space", HelpText = "Write a supernet's search space in NNI's classic format.")]
internal sealed class SearchSpaceVerb : IVerb
{
    [Option("checkpoint", HelpText = "The supernet: a checkpoint or the folder of its run (default: a supernet of the official sizes).")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    [Option("file", Default = SearchConfig.SpaceFileName, HelpText = "The file to write.")]
    [Output(PathKind.File)]
    public string OutputFile { get; set; } = SearchConfig.SpaceFileName;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples => [new("Describe the supernet that was trained", new SearchSpaceVerb { CheckpointPath = "runs/supernet" })];

    public int Run()
    {
        NetworkSpec spec = Supernet.SpecOf(CheckpointPath);
        Runs.OutputFile.Require("--file", OutputFile, "a search space", Runs.OutputFile.IsJsonWith("LayerChoice1", JsonValueKind.Object));
        SearchSpaceFile.Write(OutputFile, spec.Space);
        ResultTable.Print("Search space", ("network", $"{spec}"), ("blocks", $"{spec.Blocks} of {Alternatives.OfBlock.Length} choices"), ("file", Path.GetFullPath(OutputFile)));
        return ExitCode.Success;
    }
}
