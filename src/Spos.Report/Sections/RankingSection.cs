using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;

namespace Spos.Report.Sections;

/// <summary>What the supernet's ranking is worth.</summary>
internal static class RankingSection
{
    private const int MostRegrets = 10, MostArchitectures = 500;

    private static readonly (string Field, string Name)[] Figures =
    [
        ("kendall_tau", "Kendall's tau"),
        ("sparse_kendall_tau", "sparse tau"),
        ("spearman_rho", "Spearman's rho"),
        ("flops_tau", "tau of FLOPs alone"),
        ("partial_tau", "tau at equal FLOPs"),
        ("tau_within_bins", "tau within parts of the FLOPs"),
    ];

    /// <summary>The verdict of the first ranking that is finished, without a full stop; null if there is none.</summary>
    public static string? Verdict(RunChain chain) => chain.Of(RunKind.Rank).Where(run => run.IsFinished)
        .Select(run => run.Result.Text("verdict")).FirstOrDefault(text => text is { Length: > 0 and < 1000 })?.TrimEnd('.');

    public static Section? Of(RunChain chain)
    {
        var parts = new List<Part>();
        ReportedRun[] rankings = [.. chain.Of(RunKind.Rank)];
        foreach (ReportedRun run in rankings)
        {
            if (rankings.Length > 1) parts.Add(new Heading(run.Name));
            RankedArchitecture[] trained = [.. run.Ranked.Where(one => one.Trainings.Length > 0 && one.Trainings.All(double.IsFinite))];
            if (run.IsFinished && run.Result.Text("verdict") is { Length: > 0 } verdict)
            {
                parts.Add(new Paragraph($"{char.ToUpperInvariant(verdict[0])}{verdict[1..].TrimEnd('.')}."));
                parts.Add(Table(run));
            }
            else
            {
                parts.Add(new Paragraph(
                    $"The ranking is not finished: of {Figure.Count(run.Ranked.Count, "architecture")} {trained.Length} are trained."));
            }
            var chart = new Chart(
                "Accuracy after training from scratch over the supernet's score", new Axis("top-1 with the supernet's weights", true),
                new Axis("top-1 on val", true), [],
                [
                    new Dots("architectures", DotKind.Plain,
                    [
                        .. trained.Take(MostArchitectures).Select(one => (
                            one.Scores.Average(), one.Trainings.Average(),
                            $"{Figure.Share(one.Scores.Average())} scored, {Figure.Share(one.Trainings.Average())} trained")),
                    ]),
                ]);
            if (!chart.IsEmpty) parts.Add(chart);
            parts.Add(new Folded("The architectures", [Architectures(run)]));
        }
        return parts.Count == 0 ? null : new Section("ranking", "What the supernet's ranking is worth", parts);
    }

    private static Grid Table(ReportedRun run)
    {
        ResultFigures result = run.Result, agreement = result.Part("agreement");
        var rows = new List<string[]>();
        foreach ((string field, string name) in Figures)
        {
            if (result.Estimate(field) is not var (value, low, high)) continue;
            rows.Add([name, Figure.Number(value), $"{Figure.Number(low)} to {Figure.Number(high)}"]);
        }
        foreach (ResultFigures regret in result.Parts("regret").Take(MostRegrets))
        {
            if (regret.Number("top") is not { } top || regret.Number("regret") is not { } loss) continue;
            string atRandom = regret.Number("at_random") is { } random ? $" ({Figure.Share(random)} by as many at random)" : "";
            rows.Add([$"top-1 missed by training the best {Figure.Number(top)}", $"{Figure.Share(loss)}{atRandom}", "–"]);
        }
        void Add(string name, double? value, Func<double, string> text)
        {
            if (value is { } one) rows.Add([name, text(one), "–"]);
        }
        Add("architectures", result.Number("architectures"), Figure.Count);
        Add("trainings of each", result.Number("trainings"), Figure.Count);
        Add("noise of a training", agreement.Number("noise"), Figure.Share);
        Add("spread of architectures", agreement.Number("spread"), Figure.Share);
        Add("reliability of the mean", agreement.Number("reliability_of_mean"), Figure.Number);
        Add("rho's ceiling", agreement.Number("ceiling"), Figure.Number);
        return new Grid([new Column("figure"), new Column("value", true), new Column("95% interval", true)], rows);
    }

    private static Grid Architectures(ReportedRun run) => new(
        [new Column("architecture"), new Column("score", true), new Column("trained from scratch", true)],
        [
            .. run.Ranked.Take(MostArchitectures).Select(one => new[]
            {
                one.Architecture ?? "", Figure.Share(one.Scores.Average()),
                one.Trainings.Length > 0 ? string.Join(", ", one.Trainings.Select(Figure.Share)) : "–",
            }),
        ]);
}
