namespace Spos.Report.Documents;

/// <summary>A chart of lines and dots. In a format without pictures it is left out, so tables beside it tell the same.</summary>
/// <param name="Title">What it shows, in words for those too who do not see it.</param>
internal sealed record Chart(string Title, Axis Across, Axis Up, IReadOnlyList<Line> Lines, IReadOnlyList<Dots> Dots) : Part
{
    /// <summary>Whether there is anything to see.</summary>
    public bool IsEmpty => Lines.All(line => line.Points.Count < 2) && Dots.All(dots => dots.Points.Count == 0);
}

/// <param name="IsShare">Whether values from 0 to 1 are written as per cent.</param>
/// <param name="IsWhole">Whether it has whole numbers alone.</param>
internal sealed record Axis(string Name, bool IsShare = false, bool IsWhole = false);

/// <summary>Where values are missing the line has a gap.</summary>
internal sealed record Line(string Name, IReadOnlyList<(double X, double? Y)> Points);

internal enum DotKind
{
    Plain,
    Second,
    Marked,
}

/// <summary>Dots of a kind. Each may have a text, which is shown where the pointer is.</summary>
internal sealed record Dots(string Name, DotKind Kind, IReadOnlyList<(double X, double Y, string Text)> Points);

/// <summary>A network, block by block.</summary>
internal sealed record NetworkDrawing(string Title, IReadOnlyList<DrawnBlock> Blocks) : Part;

/// <param name="Operation">The number of its operation, which has a colour of its own.</param>
/// <param name="Label">What stands in it, such as "5×5".</param>
/// <param name="Name">The operation's whole name.</param>
/// <param name="Scale">Of the channels inside; null where nothing else is possible.</param>
/// <param name="Channels">Of its output.</param>
/// <param name="Stage">From 0.</param>
/// <param name="Size">Height and width of its output.</param>
internal sealed record DrawnBlock(
    int Index, int Operation, string Label, string Name, string? Scale, int Channels, int Inside, int Stride, int Stage, int Size,
    long Flops, long Parameters);
