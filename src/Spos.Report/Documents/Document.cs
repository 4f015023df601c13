namespace Spos.Report.Documents;

/// <summary>A report as it is, whatever file it becomes. Texts are plain: those who write them escape them.</summary>
/// <param name="Summary">Sentences.</param>
/// <param name="Figures">The few numbers that a reader looks for first, with what they are.</param>
internal sealed record Document(
    string Title, IReadOnlyList<string> Summary, IReadOnlyList<KeyFigure> Figures, IReadOnlyList<Section> Sections);

/// <summary>A number that stands out, such as 93.1% and "top-1 on val".</summary>
internal sealed record KeyFigure(string Value, string Name);

/// <param name="Id">Its anchor: letters and dashes.</param>
internal sealed record Section(string Id, string Title, IReadOnlyList<Part> Parts);

/// <summary>A part of a section.</summary>
internal abstract record Part;

/// <summary>Sentences.</summary>
internal sealed record Paragraph(string Text) : Part;

/// <summary>A heading within a section.</summary>
internal sealed record Heading(string Text) : Part;

/// <summary>Values with their names.</summary>
internal sealed record Facts(IReadOnlyList<(string Name, string Value)> Values) : Part;

/// <summary>A table.</summary>
/// <param name="Columns">Their names; those of numbers stand to the right.</param>
internal sealed record Grid(IReadOnlyList<Column> Columns, IReadOnlyList<string[]> Rows) : Part;

internal sealed record Column(string Name, bool IsNumber = false);

/// <summary>Parts that a reader opens who wants them.</summary>
internal sealed record Folded(string Title, IReadOnlyList<Part> Parts) : Part;

/// <summary>Lines for a shell.</summary>
internal sealed record Commands(IReadOnlyList<string> Lines) : Part;

/// <summary>What files say to a question.</summary>
internal enum Answer
{
    Yes,
    No,
    Unknown,
}

/// <summary>A question, its answer, and what the answer rests on.</summary>
internal sealed record Check(string Question, Answer Answer, string Reason);

internal sealed record Checklist(IReadOnlyList<Check> Checks) : Part;
