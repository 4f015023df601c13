using Spos.Report.Chains;
using Spos.Report.Documents;

namespace Spos.Report.Sections;

/// <summary>What networks come to that were trained from scratch.</summary>
internal static class AccuracySection
{
    public static Section? Of(IReadOnlyList<Trainings> trainings)
    {
        if (trainings.Count == 0) return null;
        var parts = new List<Part>();
        foreach ((int index, Trainings alike) in trainings.Index())
        {
            string names = Figure.List([.. alike.Runs.Select(run => run.Name)]);
            if (trainings.Count > 1) parts.Add(new Heading($"Training {index + 1}: {names}"));
            parts.Add(new Grid(
                [
                    new Column("run"), new Column("seed", true), new Column("top-1 on val", true), new Column("95% interval", true),
                    new Column("top-5", true), new Column("loss", true), new Column("pictures", true),
                ],
                [.. alike.Runs.Select(Row)]));
            if (alike.Top1.Count > 1)
            {
                (double mean, double deviation, double low, double high) = Sums.OfTrainings(alike.Top1);
                parts.Add(new Paragraph(
                    $"The {alike.Top1.Count} trainings differ in their seed alone. Their mean is {Figure.Share(mean)} top-1, with a "
                    + $"standard deviation of {Figure.Share(deviation)}; the 95% interval of the mean is {Figure.Interval(low, high)} "
                    + "(Student's t)."));
            }
        }
        parts.Add(new Paragraph(
            "The interval of a run is Wilson's, for a sample of so many pictures; it does not tell what another seed would come to."
            + (trainings.Any(one => one.Top1.Count > 1) ? "" : " A single training does not tell how far seeds move the result.")));
        return new Section("accuracy", "Accuracy", parts);
    }

    private static string[] Row(ReportedRun run)
    {
        string seed = run.Option("seed") ?? "–";
        if (!run.IsFinished)
        {
            float? val = run.Metrics.Of("val_top1")?.Last;
            return [run.Name, seed, val is { } top1 ? $"{Figure.Share(top1)}, not finished" : "not finished", "–", "–", "–", "–"];
        }
        (double? share, double? pictures) = (run.Result.Share("top1"), run.Result.Number("pictures"));
        string interval = "–";
        if (share is { } one && pictures is > 0 and var count)
        {
            (double low, double high) = Sums.OfPictures(one, count);
            interval = Figure.Interval(low, high);
        }
        return
        [
            run.Name, seed, Figure.Share(share), interval, Figure.Share(run.Result.Share("top5")),
            run.Result.Number("loss") is { } loss ? Figure.Number(loss) : "–", pictures is { } all ? Figure.Count(all) : "–",
        ];
    }
}
