using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;

namespace Spos.Cli.Verbs;

/// <summary>The whole pipeline, as a file of options says.</summary>
[Place(6)]
[Verb("run", HelpText = "Run all three phases, supernet, search and scratch, with the options of a file.")]
[Example("Train what spos new proposes", "photos.yml")]
internal sealed class RunVerb : IPipelineVerb
{
    [Value(0, MetaName = "file", Required = true, HelpText =
        "the file of options, such as spos new writes. Phases that are done already are not repeated.")]
    [Input(PathKind.File)]
    public string File { get; set; } = "";

    public IReadOnlyList<string[]> Commands =>
        [.. new[] { "supernet", "search", "scratch" }.Select(phase => new[] { phase, $"--config={File}" })];

    public int Run()
    {
        int code = IPipelineVerb.Run(this);
        if (code == ExitCode.Success) Notice.Say($"Next: spos predict PICTURE --config {ShellText.Word(File)}");
        return code;
    }
}
