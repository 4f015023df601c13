using System.Globalization;
using System.Text;
using Spos.Report.Documents;

namespace Spos.Report.Writing;

/// <summary>
/// Draws a chart as SVG within HTML. Its colours are the page's, so that it is dark where the page is, and it has no identifiers which
/// could be those of another one.
/// </summary>
internal static class ChartSvg
{
    private const int Width = 720, Height = 270, Left = 64, Right = 14, Top = 30, Bottom = 44, AboutAcross = 7, AboutUp = 5;

    private const double Radius = 3.2, MarkedRadius = 6;

    public static void Write(StringBuilder html, Chart chart)
    {
        (double X, double Y)[] all =
        [
            .. chart.Lines.SelectMany(line => line.Points).Where(point => point.Y != null).Select(point => (point.X, point.Y!.Value)),
            .. chart.Dots.SelectMany(dots => dots.Points).Select(point => (point.X, point.Y)),
        ];
        all = [.. all.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y))];
        if (all.Length == 0) return;
        var frame = new Frame(
            Ticks.Range(all.Min(point => point.X), all.Max(point => point.X)),
            Ticks.Range(all.Min(point => point.Y), all.Max(point => point.Y)));
        string title = HtmlWriter.Escaped(chart.Title);
        html.Append($"<figure><figcaption>{title}</figcaption>\n");
        html.Append($"<svg class=\"chart\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{title}\">\n");
        Axes(html, chart, frame);
        foreach ((int index, Line line) in chart.Lines.Index()) Draw(html, line, index, frame);
        foreach (Dots dots in chart.Dots) Draw(html, dots, frame);
        Legend(html, chart);
        html.Append("</svg></figure>\n");
    }

    /// <summary>A coordinate, to a tenth of a pixel.</summary>
    internal static string At(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static void Axes(StringBuilder html, Chart chart, Frame frame)
    {
        html.Append("<g class=\"grid\">");
        var labels = new StringBuilder();
        foreach (double tick in Ticks.Of(frame.Up.Low, frame.Up.High, AboutUp))
        {
            string y = At(frame.Y(tick));
            html.Append($"<path d=\"M{Left} {y}H{Width - Right}\"/>");
            labels.Append($"<text x=\"{Left - 8}\" y=\"{At(frame.Y(tick) + 4)}\" class=\"end\">{TextOf(tick, chart.Up)}</text>");
        }
        html.Append("</g>\n<g class=\"labels\">").Append(labels);
        foreach (double tick in Ticks.Of(frame.Across.Low, frame.Across.High, AboutAcross))
        {
            if (chart.Across.IsWhole && tick % 1 != 0) continue;
            string x = At(frame.X(tick));
            html.Append($"<text x=\"{x}\" y=\"{Height - Bottom + 18}\" class=\"middle\">{TextOf(tick, chart.Across)}</text>");
        }
        html.Append($"<text x=\"{At((Left + Width - Right) / 2.0)}\" y=\"{Height - 6}\" class=\"middle\">"
            + $"{HtmlWriter.Escaped(chart.Across.Name)}</text>");
        html.Append($"<text x=\"0\" y=\"14\">{HtmlWriter.Escaped(chart.Up.Name)}</text></g>\n");
        html.Append($"<path class=\"axis\" d=\"M{Left} {Height - Bottom}H{Width - Right}\"/>\n");
    }

    private static string TextOf(double tick, Axis axis) => axis.IsShare
        ? tick.ToString("0.##%", CultureInfo.InvariantCulture)
        : Math.Abs(tick) >= 1000 ? Figure.Count(tick) : Figure.Number(tick);

    private static void Draw(StringBuilder html, Line line, int index, Frame frame)
    {
        html.Append($"<path class=\"line line{index % 4}\" d=\"");
        bool isDown = false;
        foreach ((double x, double? y) in line.Points)
        {
            bool isThere = y is { } value && double.IsFinite(value) && double.IsFinite(x);
            if (isThere) html.Append($"{(isDown ? 'L' : 'M')}{At(frame.X(x))} {At(frame.Y(y!.Value))}");
            isDown = isThere;
        }
        html.Append("\"/>\n");
    }

    private static void Draw(StringBuilder html, Dots dots, Frame frame)
    {
        if (dots.Points.Count == 0) return;
        html.Append($"<g class=\"{ClassOf(dots.Kind)}\">");
        string radius = At(dots.Kind == DotKind.Marked ? MarkedRadius : Radius);
        foreach ((double x, double y, string text) in dots.Points)
        {
            if (!double.IsFinite(x) || !double.IsFinite(y)) continue;
            html.Append($"<circle cx=\"{At(frame.X(x))}\" cy=\"{At(frame.Y(y))}\" r=\"{radius}\">"
                + $"<title>{HtmlWriter.Escaped(text)}</title></circle>");
        }
        html.Append("</g>\n");
    }

    private static void Legend(StringBuilder html, Chart chart)
    {
        // Estimated, since nobody measures a text here.
        const double OfLetter = 6.6, Mark = 22, Gap = 18;
        var entries = new List<(string Name, string Mark)>();
        foreach ((int index, Line line) in chart.Lines.Index())
        {
            if (line.Points.Count > 1) entries.Add((line.Name, $"<path class=\"line line{index % 4}\" d=\"M0 -4h16\"/>"));
        }
        foreach (Dots dots in chart.Dots.Where(dots => dots.Points.Count > 0))
        {
            entries.Add((dots.Name, $"<g class=\"{ClassOf(dots.Kind)}\"><circle cx=\"8\" cy=\"-4\" r=\"4\"/></g>"));
        }
        if (entries.Count < 2) return;
        double x = Width - Right - entries.Sum(entry => Mark + entry.Name.Length * OfLetter) - Gap * (entries.Count - 1);
        foreach ((string name, string mark) in entries)
        {
            html.Append($"<g class=\"labels\" transform=\"translate({At(x)} 16)\">{mark}"
                + $"<text x=\"{At(Mark)}\">{HtmlWriter.Escaped(name)}</text></g>\n");
            x += Mark + name.Length * OfLetter + Gap;
        }
    }

    private static string ClassOf(DotKind kind) => $"dots {kind.ToString().ToLowerInvariant()}";

    private sealed record Frame((double Low, double High) Across, (double Low, double High) Up)
    {
        // Dots on the edge are whole.
        private const double Inner = 10;

        public double X(double value) =>
            Left + Inner + (value - Across.Low) / (Across.High - Across.Low) * (Width - Left - Right - 2 * Inner);

        public double Y(double value) =>
            Height - Bottom - Inner - (value - Up.Low) / (Up.High - Up.Low) * (Height - Top - Bottom - 2 * Inner);
    }
}
