using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Shells;
using Spos.Engine.Files;
using Spos.Report.Chains;
using Spos.Report.Writing;

namespace Spos.Cli.Verbs;

/// <summary>What a report is written as.</summary>
internal enum ReportFormat
{
    /// <summary>For a browser.</summary>
    Html,

    /// <summary>For a repository.</summary>
    Markdown,
}

/// <summary>Writes what runs came to into one file.</summary>
[Place(24)]
[Verb("report", HelpText =
    "Write what runs came to as one HTML or Markdown file: data, options, curves, search, network, accuracy, cost, how to repeat it.")]
[Example("Report of a training, and of the search and the supernet that it began from", "runs/scratch --output report.html")]
internal sealed class ReportVerb : IVerb
{
    private const int MostTroubles = 10;

    [Value(0, MetaName = "folders", HelpText =
        "folders of runs (default: runs). The runs that they began from are found by their records, and of a folder that is no run "
        + "the runs in it are taken.")]
    [Input(PathKind.Folder)]
    public IEnumerable<string> Folders { get; set; } = [];

    [Option("output", Default = "report.html", HelpText = "The file of the report. It needs no other file and no network.")]
    [Output(PathKind.File)]
    public string Output { get; set; } = "report.html";

    [Option("format", HelpText = "What the report is written as (default: markdown if --output ends in .md, else html).")]
    public ReportFormat? Format { get; set; }

    [Option("model-card", HelpText =
        "Also write a model card to this Markdown file: what users of the network that was trained from scratch should know "
        + "(default: none).")]
    [Output(PathKind.File)]
    public string? ModelCard { get; set; }

    private ReportFormat Chosen => Format ?? (Path.GetExtension(Output) == ".md" ? ReportFormat.Markdown : ReportFormat.Html);

    public int Run()
    {
        string[] folders = [.. Folders.DefaultIfEmpty("runs")];
        RequireReport("--output", Output);
        if (ModelCard != null)
        {
            RequireReport("--model-card", ModelCard);
            if (Path.GetFullPath(ModelCard) == Path.GetFullPath(Output)) throw new UsageException("--model-card is the file of --output.");
        }
        RunReport report = RunReport.Read(new ReportSpec
        {
            Folders = folders,
            Command = (kind, options) => ResumeCommand.Again(Program.Verbs, kind, options),
        });
        if (ModelCard != null && report.ModelCardText == null)
        {
            throw new UsageException("--model-card: none of these runs is a finished training from scratch whose checkpoint can be read.");
        }
        AtomicFile.WriteText(Output, Chosen == ReportFormat.Markdown ? report.Markdown : report.Html);
        if (ModelCard != null) AtomicFile.WriteText(ModelCard, report.ModelCardText!);
        foreach (string trouble in report.Troubles.Take(MostTroubles)) Notice.Warn(Shown.Line(trouble));
        if (report.Troubles.Count > MostTroubles) Notice.Warn($"and {report.Troubles.Count - MostTroubles} more such, in the report.");
        ResultTable.Print(
            "Report",
            ("runs", string.Join(", ", report.Folders.Select(folder => Shown.Line(Path.GetFileName(folder))))),
            ("state", report.IsFinished ? "all are finished" : "some are not finished"),
            ("file", Path.GetFullPath(Output)),
            ("model card", ModelCard == null ? null : Path.GetFullPath(ModelCard)));
        return ExitCode.Success;
    }

    private static void RequireReport(string option, string path) =>
        OutputFile.Require(option, path, "a report", file => RunReport.Marks.Any(mark => OutputFile.BeginsWith(mark)(file)));
}
