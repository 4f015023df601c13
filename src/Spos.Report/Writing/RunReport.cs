using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Report.Sections;

namespace Spos.Report.Writing;

/// <summary>
/// What runs came to, as one file that needs no other: HTML for people, or Markdown for repositories. The same folders give the same bytes.
/// </summary>
public sealed class RunReport
{
    private readonly Document _document;
    private readonly Document? _card;

    private RunReport(RunChain chain)
    {
        (_document, _card) = (ReportDocument.Of(chain), ModelCard.Alone(chain));
        Folders = [.. chain.Runs.Select(run => run.Folder)];
        IsFinished = chain.Runs.All(run => run.IsFinished);
        Troubles = chain.Troubles;
    }

    /// <summary>The folders of the runs that it tells of.</summary>
    public IReadOnlyList<string> Folders { get; }

    /// <summary>Whether all of them came to their ends.</summary>
    public bool IsFinished { get; }

    /// <summary>What is not there, or could not be read, in sentences.</summary>
    public IReadOnlyList<string> Troubles { get; }

    /// <summary>The report as HTML, which opens without a network and runs no script.</summary>
    public string Html => HtmlWriter.TextOf(_document);

    /// <summary>The report as Markdown, with tables in the place of charts.</summary>
    public string Markdown => MarkdownWriter.TextOf(_document);

    /// <summary>A model card of the first network that was trained from scratch, as Markdown; null if none is yet.</summary>
    public string? ModelCardText => _card == null ? null : MarkdownWriter.TextOf(_card);

    /// <summary>Reads the runs.</summary>
    /// <exception cref="UsageException">A folder is not there, or holds no run; the message names it.</exception>
    public static RunReport Read(ReportSpec spec) => new(RunChain.Read(spec));

    /// <summary>How each format begins, by which a file is known for a report.</summary>
    public static IReadOnlyList<string> Marks { get; } = [HtmlWriter.Mark, MarkdownWriter.Mark];
}
