using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Reading;

namespace Spos.Report.Sections;

/// <summary>How training went.</summary>
internal static class CurveSection
{
    private const int MostPoints = 400, MostRuns = 12, Rows = 10;

    private const string RateTitle = "Learning rate";

    private static readonly (string Title, bool IsShare, (string Series, string Name)[] Lines)[] Charts =
    [
        ("Loss", false, [("loss", "train"), ("val_loss", "val"), ("ema_loss", "val, averaged weights")]),
        ("Top-1", true, [("top1", "train"), ("val_top1", "val"), ("ema_top1", "val, averaged weights")]),
        (RateTitle, false, [("learning_rate", "learning rate")]),
    ];

    public static Section? Of(RunChain chain)
    {
        var parts = new List<Part>();
        ReportedRun[] trained = [.. chain.Runs.Where(run => run.Metrics.Of("loss")?.Count > 0)];
        foreach (ReportedRun run in trained.Take(MostRuns))
        {
            parts.Add(new Heading(run.Name));
            if (!run.IsFinished) parts.Add(new Paragraph($"This run is not finished: it is at step {run.Metrics.Step}."));
            foreach (Series series in run.Metrics.Series.Where(one => one.Name.EndsWith("loss", StringComparison.Ordinal)))
            {
                if (series.FirstNotFinite is { } step) parts.Add(new Paragraph($"{series.Name} is not a number from step {step} on."));
            }
            var folded = new List<Part>();
            foreach ((string title, bool isShare, (string, string)[] lines) in Charts)
            {
                var chart = new Chart(
                    $"{title} of {run.Name} over steps", new Axis("step", IsWhole: true), new Axis(title.ToLowerInvariant(), isShare),
                    [.. lines.Select(line => LineOf(run, line)).OfType<Line>()], []);
                if (!chart.IsEmpty) (title == RateTitle ? folded : parts).Add(chart);
            }
            parts.Add(new Folded("Learning rate, and all in numbers", [.. folded, Table(run)]));
        }
        if (trained.Length > MostRuns) parts.Add(new Paragraph($"{trained.Length - MostRuns} more trainings are left out here."));
        return parts.Count == 0 ? null : new Section("training", "Training", parts);
    }

    private static Line? LineOf(ReportedRun run, (string Series, string Name) line)
    {
        if (run.Metrics.Of(line.Series) is not { } series) return null;
        Points points = series.Decimated(MostPoints);
        return new Line(line.Name, [.. points.Steps.Zip(points.Values, (step, value) => ((double)step, (double?)value))]);
    }

    private static Grid Table(ReportedRun run)
    {
        Series[] series = [.. Charts.SelectMany(chart => chart.Lines).Select(line => run.Metrics.Of(line.Series)).OfType<Series>()];
        long last = Math.Max(run.Metrics.Step, 1);
        var values = series.Select(one =>
        {
            // A step may be there twice where a run went on.
            Points points = one.Decimated(int.MaxValue);
            return points.Steps.Zip(points.Values).ToArray();
        }).ToArray();
        var rows = new List<string[]>();
        for (int row = 1; row <= Rows; row++)
        {
            long step = last * row / Rows, before = last * (row - 1) / Rows;
            if (step == before) continue;
            // The last value of each tenth.
            rows.Add(
            [
                Figure.Count(step),
                .. values.Select((points, index) =>
                    points.LastOrDefault(point => point.First <= step && point.First > before) is { Second: { } value }
                        ? series[index].Name.EndsWith("top1", StringComparison.Ordinal) ? Figure.Share(value) : Figure.Number(value)
                        : "–"),
            ]);
        }
        return new Grid([new Column("up to step", true), .. series.Select(one => new Column(one.Name.Replace('_', ' '), true))], rows);
    }
}
