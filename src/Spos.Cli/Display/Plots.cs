using System.Text.RegularExpressions;
using ScottPlot;
using Spos.Engine.Files;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Cli.Display;

/// <summary>Results as pictures, each as PNG and SVG.</summary>
internal static partial class Plots
{
    private const int Width = 900, Height = 600, MarkerSize = 10;

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

    /// <summary>Accuracy over a cost of all candidates of a search, the best marked and the front drawn.</summary>
    public static string AccuracyOver(
        CostTable cost, string folder, IReadOnlyList<Candidate> candidates, Candidate best, IReadOnlyList<Candidate> front)
    {
        var plot = new Plot();
        double CostOf(Candidate candidate) => cost.Of(candidate.Path) / cost.Measure.Unit;
        foreach (IGrouping<bool, Candidate> group in candidates.GroupBy(c => c.Generation == 0))
        {
            var dots = plot.Add.ScatterPoints(group.Select(CostOf).ToArray(), group.Select(c => c.Top1).ToArray());
            dots.LegendText = group.Key ? "random (first generation)" : "evolved";
        }
        // Of a front over other costs too, what is one over this cost alone.
        var along = new List<Candidate>();
        foreach (Candidate candidate in front.OrderBy(CostOf).ThenByDescending(c => c.Top1))
        {
            if (along.Count == 0 || candidate.Top1 > along[^1].Top1) along.Add(candidate);
        }
        var line = plot.Add.ScatterLine(along.Select(CostOf).ToArray(), along.Select(c => c.Top1).ToArray(), Colors.Gray);
        line.LegendText = "front";
        var star = plot.Add.Marker(CostOf(best), best.Top1, MarkerShape.FilledDiamond, 14);
        star.LegendText = "best";
        plot.Title("Candidates");
        plot.XLabel(cost.Measure.Label);
        plot.YLabel("top-1 with the supernet's weights");
        plot.ShowLegend(Alignment.LowerRight);
        return Save(plot, folder, $"accuracy-over-{cost.Measure.FieldName}");
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

    /// <summary>
    /// Accuracy trained from scratch over the supernet's score; of several trainings their mean, with bars of their deviation.
    /// </summary>
    public static string StandaloneOverScores(string folder, double[] scores, IReadOnlyList<double[]> trainings)
    {
        var plot = new Plot();
        double[] means = [.. trainings.Select(t => t.Average())];
        plot.Add.ScatterPoints(scores, means);
        bool isRepeated = trainings[0].Length > 1;
        if (isRepeated) plot.Add.ErrorBar(scores, means, [.. trainings.Select(Ranking.Deviation)]);
        plot.Title("Ranking");
        plot.XLabel("top-1 with the supernet's weights");
        plot.YLabel(isRepeated ? $"top-1 on val, {trainings[0].Length} trainings from scratch" : "top-1 on val, trained from scratch");
        return Save(plot, folder, "ranking");
    }

    /// <summary>
    /// Accuracy of trained networks over the cost that they were chosen along, and over each other objective of the search: the front as a
    /// line, others beside it.
    /// </summary>
    public static IReadOnlyList<string> TrainedFront(FrontResult result)
    {
        CostMeasure along = result.Costs[0].Measure;
        return
        [
            TrainedFront(result, 0, "front"),
            .. result.Costs.Index().Where(cost => cost.Item.Measure != along && result.Objectives.Contains(cost.Item.Measure))
                .Select(cost => TrainedFront(result, cost.Index, $"front-{cost.Item.Measure.FieldName}")),
        ];
    }

    private static string TrainedFront(FrontResult result, int cost, string name)
    {
        var plot = new Plot();
        CostMeasure measure = result.Costs[cost].Measure;
        foreach ((FrontSource source, string legend, MarkerShape shape) in new[]
        {
            (FrontSource.Front, "front of the search", MarkerShape.FilledCircle),
            (FrontSource.Random, "random", MarkerShape.FilledSquare),
            (FrontSource.Handmade, "hand-made: all blocks alike", MarkerShape.FilledTriangleUp),
        })
        {
            TrainedNetwork[] networks = [.. result.Networks.Where(one => one.Network.Source == source).OrderBy(one => one.Costs[cost])];
            if (networks.Length == 0) continue;
            double[] costs = [.. networks.Select(one => one.Costs[cost] / measure.Unit)];
            double[] top1 = [.. networks.Select(one => one.Network.Top1!.Value)];
            var points = source == FrontSource.Front ? plot.Add.Scatter(costs, top1) : plot.Add.ScatterPoints(costs, top1);
            points.LegendText = legend;
            points.MarkerShape = shape;
            points.MarkerSize = MarkerSize;
        }
        plot.Title(result.IsInherited ? "Trained front, from the supernet's weights" : "Trained front, from scratch");
        plot.XLabel(measure.Label);
        plot.YLabel("top-1 on val");
        plot.ShowLegend(Alignment.LowerRight);
        return Save(plot, result.Folder, name);
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
