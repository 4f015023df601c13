using System.Text;
using Spos.Report.Documents;

namespace Spos.Report.Writing;

/// <summary>
/// Writes a report as Markdown, as GitHub and others show it. Texts of files are escaped, so that none is taken for markup.
/// </summary>
internal static class MarkdownWriter
{
    /// <summary>What the files begin with.</summary>
    public const string Mark = "<!-- spos report -->\n";

    private const string Special = @"\`*_[]|~$";

    public static string TextOf(Document document)
    {
        var text = new StringBuilder(Mark);
        text.Append($"# {Escaped(document.Title)}\n");
        if (document.Summary.Count > 0) text.Append($"\n{string.Join(' ', document.Summary.Select(Escaped))}\n");
        if (document.Figures.Count > 0)
        {
            text.Append('\n');
            foreach (KeyFigure figure in document.Figures) text.Append($"- **{Escaped(figure.Value)}** {Escaped(figure.Name)}\n");
        }
        foreach (Section section in document.Sections)
        {
            text.Append($"\n## {Escaped(section.Title)}\n");
            Write(text, section.Parts);
        }
        return text.ToString();
    }

    /// <summary>A text that stands for itself, in one line.</summary>
    internal static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        string line = Shown.Line(Shown.Excerpt(text, HtmlWriter.MostText));
        foreach ((int index, char c) in line.Index())
        {
            if (c == '<') escaped.Append("&lt;");
            else if (c == '>') escaped.Append("&gt;");
            else if (c == '&') escaped.Append("&amp;");
            else if (c == '@') escaped.Append("&#64;");
            else if (Special.Contains(c, StringComparison.Ordinal) || BeginsBlock(line, index) || IsOfAddress(line, index))
            {
                escaped.Append('\\').Append(c);
            }
            else escaped.Append(c);
        }
        return escaped.ToString();
    }

    // At the beginning of a line some characters make it a heading, a list or a rule.
    private static bool BeginsBlock(string line, int index) =>
        (index == 0 && line[0] is '#' or '+' or '-' or '=' && (line.Length == 1 || line[1] is ' ' or '#' or '-' or '='))
        || (line[index] is '.' or ')' && index is > 0 and < 10 && line.AsSpan(0, index).IndexOfAnyExceptInRange('0', '9') < 0
            && (index + 1 == line.Length || line[index + 1] == ' '));

    // Addresses become links without being asked.
    private static bool IsOfAddress(string line, int index) =>
        (line[index] == ':' && line.AsSpan(index).StartsWith("://"))
        || (line[index] == '.' && line.AsSpan(0, index).EndsWith("www", StringComparison.OrdinalIgnoreCase));

    private static void Write(StringBuilder text, IEnumerable<Part> parts)
    {
        foreach (Part part in parts)
        {
            switch (part)
            {
                case Paragraph paragraph: text.Append($"\n{Escaped(paragraph.Text)}\n"); break;
                case Heading heading: text.Append($"\n### {Escaped(heading.Text)}\n"); break;
                case Facts facts:
                    Table(text, ["", ""], [false, false], facts.Values.Select(fact => new[] { fact.Name, fact.Value }));
                    break;
                case Grid grid:
                    Table(text, [.. grid.Columns.Select(c => c.Name)], [.. grid.Columns.Select(c => c.IsNumber)], grid.Rows);
                    break;
                case Folded folded:
                    text.Append($"\n<details><summary>{HtmlWriter.Escaped(folded.Title)}</summary>\n");
                    Write(text, folded.Parts);
                    text.Append("\n</details>\n");
                    break;
                case Commands commands: Code(text, commands.Lines); break;
                case NetworkDrawing drawing: Code(text, [LineOf(drawing)]); break;
                case Checklist checklist:
                    Table(
                        text, ["question", "answer", "why"], [false, false, false],
                        checklist.Checks.Select(check => new[] { check.Question, HtmlWriter.WordOf(check.Answer), check.Reason }));
                    break;
            }
        }
    }

    private static void Table(StringBuilder text, string[] columns, bool[] areNumbers, IEnumerable<string[]> rows)
    {
        text.Append($"\n| {string.Join(" | ", columns.Select(Escaped))} |\n");
        text.Append($"|{string.Concat(areNumbers.Select(isNumber => isNumber ? "---:|" : "---|"))}\n");
        foreach (string[] row in rows) text.Append($"| {string.Join(" | ", row.Select(Escaped))} |\n");
    }

    // A fence is longer than what stands within.
    private static void Code(StringBuilder text, IReadOnlyList<string> lines)
    {
        string[] shown = [.. lines.Select(line => Shown.Line(Shown.Excerpt(line, HtmlWriter.MostCommand)))];
        int longest = shown.Append("").Max(line => line.Split('`').Length - 1);
        string fence = new('`', Math.Max(longest + 1, 3));
        text.Append($"\n{fence}\n{string.Join('\n', shown)}\n{fence}\n");
    }

    // "3×3 5×5 | 7×7 …": stages are divided.
    private static string LineOf(NetworkDrawing drawing) => string.Join(" | ",
        from block in drawing.Blocks
        group block by block.Stage into stage
        select string.Join(' ', stage.Select(block => block.Label + (block.Scale is { } scale ? $"/{scale}" : ""))));
}
