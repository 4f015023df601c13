using System.Net;
using System.Text;
using Spos.Report.Documents;

namespace Spos.Report.Writing;

/// <summary>
/// Writes a report as one HTML file: no script, nothing from elsewhere, and a policy that forbids both should a browser find any. Each text
/// is escaped where it is written.
/// </summary>
internal static class HtmlWriter
{
    /// <summary>What the files begin with.</summary>
    public const string Mark = "<!DOCTYPE html>\n<!-- spos report -->\n";

    /// <summary>Characters of a text of a file that are shown, and of a command.</summary>
    public const int MostText = 2000, MostCommand = 20_000;

    private static readonly string s_style = Style();

    public static string TextOf(Document document)
    {
        var html = new StringBuilder(Mark);
        html.Append($"""
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{Escaped(document.Title)}</title>
            <style>
            {s_style}</style>
            </head>
            <body>
            <main>
            <header>
            <h1>{Escaped(document.Title)}</h1>
            <p class="summary">{string.Join(' ', document.Summary.Select(Escaped))}</p>

            """);
        if (document.Figures.Count > 0)
        {
            html.Append("<ul class=\"figures\">\n");
            foreach (KeyFigure figure in document.Figures)
            {
                html.Append($"<li><strong>{Escaped(figure.Value)}</strong> <span>{Escaped(figure.Name)}</span></li>\n");
            }
            html.Append("</ul>\n");
        }
        html.Append("</header>\n<nav aria-label=\"Contents\"><ol>\n");
        foreach (Section section in document.Sections)
        {
            html.Append($"<li><a href=\"#{Escaped(section.Id)}\">{Escaped(section.Title)}</a></li>\n");
        }
        html.Append("</ol></nav>\n");
        foreach (Section section in document.Sections)
        {
            html.Append($"<section id=\"{Escaped(section.Id)}\">\n<h2>{Escaped(section.Title)}</h2>\n");
            Write(html, section.Parts);
            html.Append("</section>\n");
        }
        return html.Append("</main>\n</body>\n</html>\n").ToString();
    }

    /// <summary>A text that stands for itself, also within quotes, in one line.</summary>
    internal static string Escaped(string text) => WebUtility.HtmlEncode(Shown.Line(Shown.Excerpt(text, MostText)));

    internal static string WordOf(Answer answer) => answer switch
    {
        Answer.Yes => "yes",
        Answer.No => "no",
        _ => "not known",
    };

    private static void Write(StringBuilder html, IEnumerable<Part> parts)
    {
        foreach (Part part in parts)
        {
            switch (part)
            {
                case Paragraph paragraph: html.Append($"<p>{Escaped(paragraph.Text)}</p>\n"); break;
                case Heading heading: html.Append($"<h3>{Escaped(heading.Text)}</h3>\n"); break;
                case Facts facts:
                    html.Append("<dl>\n");
                    foreach ((string name, string value) in facts.Values)
                    {
                        html.Append($"<div><dt>{Escaped(name)}</dt><dd>{Escaped(value)}</dd></div>\n");
                    }
                    html.Append("</dl>\n");
                    break;
                case Grid grid: Table(html, grid); break;
                case Folded folded:
                    html.Append($"<details><summary>{Escaped(folded.Title)}</summary>\n");
                    Write(html, folded.Parts);
                    html.Append("</details>\n");
                    break;
                case Commands commands:
                    html.Append("<pre><code>");
                    foreach (string line in commands.Lines)
                    {
                        html.Append($"{WebUtility.HtmlEncode(Shown.Line(Shown.Excerpt(line, MostCommand)))}\n");
                    }
                    html.Append("</code></pre>\n");
                    break;
                case Chart chart: ChartSvg.Write(html, chart); break;
                case NetworkDrawing drawing: NetworkSvg.Write(html, drawing); break;
                case Checklist checklist: Checks(html, checklist); break;
            }
        }
    }

    private static void Table(StringBuilder html, Grid grid)
    {
        html.Append("<div class=\"wide\"><table>\n<thead><tr>");
        foreach (Column column in grid.Columns)
        {
            html.Append($"<th scope=\"col\"{(column.IsNumber ? " class=\"number\"" : "")}>{Escaped(column.Name)}</th>");
        }
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in grid.Rows)
        {
            html.Append("<tr>");
            foreach ((int index, string cell) in row.Index())
            {
                html.Append($"<td{(grid.Columns[index].IsNumber ? " class=\"number\"" : "")}>{Escaped(cell)}</td>");
            }
            html.Append("</tr>\n");
        }
        html.Append("</tbody></table></div>\n");
    }

    private static void Checks(StringBuilder html, Checklist checklist)
    {
        html.Append("<ul class=\"checks\">\n");
        foreach (Check check in checklist.Checks)
        {
            html.Append($"<li><span class=\"answer {check.Answer.ToString().ToLowerInvariant()}\">{WordOf(check.Answer)}</span> "
                + $"<span>{Escaped(check.Question)} <small>{Escaped(check.Reason)}</small></span></li>\n");
        }
        html.Append("</ul>\n");
    }

    private static string Style()
    {
        using Stream stream = typeof(HtmlWriter).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
