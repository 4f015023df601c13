using System.Text.RegularExpressions;
using ScottPlot;
using Spos.Engine.Files;
using Spos.Space;

namespace Spos.Cli.Display;

/// <summary>Results as pictures, each as PNG and SVG.</summary>
internal static partial class Plots
{
    private const int Width = 900, Height = 600;

    /// <summary>Loss and accuracy over the steps of a training.</summary>
    /// <returns>The path of the PNG; null if there are too few points for a curve.</returns>
    public static string? LossCurve(string folder, string title, IReadOnlyList<(long Step, double Loss, double Top1)> points)
    {
        if (points.Count < 2) return null;
        var plot = new Plot();
        double[] steps = [.. points.Select(p => (double)p.Step)];
        var loss = plot.Add.ScatterLine(steps, points.Select(p => p.Loss).ToArray());
        loss.LegendText = "training loss";
        var top1 = plot.Add.ScatterLine(steps, points.Select(p => p.Top1).ToArray());
        top1.LegendText = "training top-1";
        top1.Axes.YAxis = plot.Axes.Right;
        plot.Axes.Right.Label.Text = "top-1";
        plot.Title(title);
        plot.XLabel("step");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.MiddleRight);
        return Save(plot, folder, "loss");
    }

    /// <summary>Accuracy over FLOPs of all candidates of a search, the best marked.</summary>
    public static string AccuracyOverFlops(string folder, IReadOnlyList<Candidate> candidates, Candidate best)
    {
        var plot = new Plot();
        foreach (IGrouping<bool, Candidate> group in candidates.GroupBy(c => c.Generation == 0))
        {
            var dots = plot.Add.ScatterPoints(group.Select(c => c.Flops / 1e6).ToArray(), group.Select(c => c.Top1).ToArray());
            dots.LegendText = group.Key ? "random (first generation)" : "evolved";
        }
        var star = plot.Add.Marker(best.Flops / 1e6, best.Top1, MarkerShape.FilledDiamond, 14);
        star.LegendText = "best";
        plot.Title("Candidates");
        plot.XLabel("FLOPs (millions of multiply-adds)");
        plot.YLabel("top-1 with the supernet's weights");
        plot.ShowLegend(Alignment.LowerRight);
        return Save(plot, folder, "accuracy-over-flops");
    }

    /// <summary>The best and the mean score of each generation.</summary>
    public static string BestOverGenerations(string folder, IReadOnlyList<Candidate> candidates)
    {
        var plot = new Plot();
        IGrouping<int, Candidate>[] generations = [.. candidates.GroupBy(c => c.Generation).OrderBy(g => g.Key)];
        double[] numbers = [.. generations.Select(g => g.Key + 1.0)];
        double best = 0;
        var line = plot.Add.Scatter(numbers, generations.Select(g => best = Math.Max(best, g.Max(c => c.Top1))).ToArray());
        line.LegendText = "best so far";
        var mean = plot.Add.Scatter(numbers, generations.Select(g => g.Average(c => c.Top1)).ToArray());
        mean.LegendText = "mean of the generation";
        plot.Title("Search");
        plot.XLabel("generation");
        plot.YLabel("top-1 with the supernet's weights");
        plot.ShowLegend(Alignment.LowerRight);
        return Save(plot, folder, "best-over-generations");
    }

    /// <summary>Accuracy trained from scratch over the supernet's score.</summary>
    public static string StandaloneOverScores(string folder, double[] scores, double[] standalone)
    {
        var plot = new Plot();
        plot.Add.ScatterPoints(scores, standalone);
        plot.Title("Ranking");
        plot.XLabel("top-1 with the supernet's weights");
        plot.YLabel("top-1 on val, trained from scratch");
        return Save(plot, folder, "ranking");
    }

    private static string Save(Plot plot, string folder, string name)
    {
        string png = Path.Combine(folder, $"{name}.png");
        AtomicFile.Write(png, stream => stream.Write(plot.GetImageBytes(Width, Height, ImageFormat.Png)));
        AtomicFile.WriteText(Path.Combine(folder, $"{name}.svg"), WithOwnIds(plot.GetSvgXml(Width, Height)));
        return png;
    }

    // The library counts clip paths of the whole process: numbered anew, the same plot has the same bytes.
    private static string WithOwnIds(string svg)
    {
        var numbers = new Dictionary<string, int>();
        return ClipId().Replace(svg, match => $"clip-{numbers[match.Value] = numbers.GetValueOrDefault(match.Value, numbers.Count)}");
    }

    [GeneratedRegex("""(?<=id="|url\(#)cl_[0-9a-f]+(?="|\))""")]
    private static partial Regex ClipId();
}
