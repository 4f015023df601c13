using System.Text;
using Spos.Report.Documents;

namespace Spos.Report.Writing;

/// <summary>
/// Draws a network: a column for each block, as high as its share of the FLOPs, with the colour of its operation; blocks of a stage stand
/// together, under the size of what they work on.
/// </summary>
internal static class NetworkSvg
{
    // A row has so many blocks at most; more of them go below.
    private const int MostOfRow = 24, Tile = 30, Gap = 4, StageGap = 16, Bars = 70, Top = 44, RowHeight = 196, Left = 4;

    // As many colours as the style has.
    private const int Colours = 8;

    public static void Write(StringBuilder html, NetworkDrawing drawing)
    {
        List<DrawnBlock[]> rows = RowsOf(drawing.Blocks);
        int width = rows.Max(WidthOf);
        string title = HtmlWriter.Escaped(drawing.Title);
        long most = Math.Max(drawing.Blocks.Max(block => block.Flops), 1);
        html.Append($"<figure><figcaption>{title}</figcaption>\n<div class=\"wide\">\n");
        html.Append($"<svg class=\"network\" viewBox=\"0 0 {width} {rows.Count * RowHeight}\" width=\"{width}\" role=\"img\" "
            + $"aria-label=\"{title}\">\n");
        foreach ((int index, DrawnBlock[] row) in rows.Index()) Draw(html, row, index * RowHeight, most);
        html.Append("</svg></div>\n<ul class=\"key\">");
        foreach (var operation in drawing.Blocks.Select(block => (block.Operation, Name: Plain(block))).DistinctBy(one => one.Operation)
            .OrderBy(one => one.Operation))
        {
            html.Append($"<li><i class=\"op{operation.Operation % Colours}\"></i>{HtmlWriter.Escaped(operation.Name)}</li>");
        }
        string scales = drawing.Blocks.Any(block => block.Scale != null) ? ", and the scale of those inside" : "";
        html.Append("</ul>\n<p class=\"note\">The height of a column is the block's share of FLOPs. Below each block: the channels of its "
            + $"output{scales}; ↓2 halves height and width.</p></figure>\n");
    }

    // Without a scale, which is written below.
    private static string Plain(DrawnBlock block) =>
        block.Scale == null ? block.Name : block.Name[..Math.Max(block.Name.LastIndexOf('_'), 0)];

    private static List<DrawnBlock[]> RowsOf(IReadOnlyList<DrawnBlock> blocks) => [.. blocks.Chunk(MostOfRow)];

    private static int WidthOf(DrawnBlock[] row) => XOf(row, row.Length - 1) + Tile + Left;

    private static int XOf(DrawnBlock[] row, int index) => Left + index * (Tile + Gap) + StageGap * row.Take(index + 1).Skip(1).Zip(row)
        .Count(pair => pair.First.Stage != pair.Second.Stage);

    private static void Draw(StringBuilder html, DrawnBlock[] row, int y, long most)
    {
        int foot = y + Top + Bars;
        foreach ((int index, DrawnBlock block) in row.Index())
        {
            int x = XOf(row, index), middle = x + Tile / 2;
            double height = Math.Max((double)block.Flops / most * Bars, 1);
            string text = $"block {block.Index}: {block.Name}, {block.Inside} channels inside, {block.Channels} out, "
                + $"stride {block.Stride}, {Figure.Count(block.Flops)} FLOPs, {Figure.Count(block.Parameters)} parameters";
            html.Append($"<g><title>{HtmlWriter.Escaped(text)}</title>");
            html.Append($"<rect class=\"op{block.Operation % Colours} bar\" x=\"{x}\" y=\"{ChartSvg.At(foot - height)}\" width=\"{Tile}\" "
                + $"height=\"{ChartSvg.At(height)}\"/>");
            html.Append($"<rect class=\"op{block.Operation % Colours}\" x=\"{x}\" y=\"{foot + 3}\" width=\"{Tile}\" height=\"26\" "
                + "rx=\"3\"/>");
            html.Append($"<text class=\"middle op\" x=\"{middle}\" y=\"{foot + 20}\">{HtmlWriter.Escaped(block.Label)}</text>");
            html.Append($"<text class=\"middle\" x=\"{middle}\" y=\"{foot + 44}\">{block.Channels}</text>");
            if (block.Scale is { } scale)
            {
                html.Append($"<text class=\"middle\" x=\"{middle}\" y=\"{foot + 58}\">×{HtmlWriter.Escaped(scale)}</text>");
            }
            if (block.Stride > 1) html.Append($"<text class=\"middle\" x=\"{middle}\" y=\"{foot + 72}\">↓{block.Stride}</text>");
            html.Append("</g>\n");
        }
        foreach (var stage in row.Index().GroupBy(block => block.Item.Stage))
        {
            int from = XOf(row, stage.First().Index), to = XOf(row, stage.Last().Index) + Tile;
            html.Append($"<path class=\"axis\" d=\"M{from} {y + 26}H{to}\"/>");
            html.Append($"<text x=\"{from}\" y=\"{y + 18}\">{stage.First().Item.Size}²</text>\n");
        }
    }
}
