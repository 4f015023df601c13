using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Runs.Reading;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>What a search tried and found.</summary>
internal static class SearchSection
{
    private const int MostRows = 20, MostFrontRows = 40;

    public static Section? Of(RunChain chain)
    {
        var parts = new List<Part>();
        ReportedRun[] searches = [.. chain.Of(RunKind.Search)];
        foreach (ReportedRun run in searches)
        {
            if (searches.Length > 1) parts.Add(new Heading(run.Name));
            if (!run.IsFinished) parts.Add(new Paragraph($"The search {run.Name} is not finished; what it has found may not be its best."));
            if (run.Candidates is not { Count: > 0 } candidates)
            {
                parts.Add(new Paragraph("No candidate is on record."));
                continue;
            }
            parts.Add(new Paragraph(Words(run, candidates)));
            parts.AddRange(ChartsOf(candidates));
            parts.Add(FrontOf(run, candidates));
            parts.Add(new Folded("Generations", [Generations(candidates)]));
            parts.Add(new Folded($"The {Math.Min(MostRows, candidates.Best.Length)} best candidates", [Best(candidates)]));
        }
        return parts.Count == 0 ? null : new Section("search", "Search", parts);
    }

    private static string Words(ReportedRun run, Candidates candidates)
    {
        Found best = candidates.Best[0];
        string text = $"{Figure.Count(candidates.Count, "candidate")} in {Figure.Count(candidates.Generations.Length, "generation")} were "
            + $"scored with the supernet's weights, on {run.Option(KeptOptions.SelectOnOption) ?? "pictures that are not recorded"}. The "
            + $"best comes to {Figure.Share(best.Top1)} with {CostMeasure.Flops.TextOf(best.Flops)}, found in generation "
            + $"{best.Generation + 1L}.";
        if (candidates.Generations is [var first, .., _] && first is { First: 1, Last: 1 })
        {
            text += $" The best of the {Figure.Count(first.Candidates, "random one")} of the first generation comes to "
                + $"{Figure.Share(first.Own)}.";
        }
        if (run.IsFinished && run.Result.Number("best_by_chance") is { } chance && run.Result.Number("standard_error") is { } noise)
        {
            text += $" The noise of a score is {Figure.Share(noise)}; were all candidates equally good, the best would be expected at "
                + $"{Figure.Share(chance)} by chance.";
        }
        return text;
    }

    private static IEnumerable<Part> ChartsOf(Candidates candidates)
    {
        Found best = candidates.Best[0];
        string TextOf(double flops, double top1, int generation) =>
            $"{CostMeasure.Flops.TextOf(flops)}, {Figure.Share(top1)}, generation {generation + 1L}";
        (double, double, string)[] DotsOf(Func<Dot, bool> which) =>
        [
            .. candidates.Dots.Where(which).Select(dot =>
                (dot.Flops / CostMeasure.Flops.Unit, dot.Top1, TextOf(dot.Flops, dot.Top1, dot.Generation))),
        ];
        yield return new Chart(
            "Candidates: accuracy with the supernet's weights over FLOPs, and the front", new Axis(CostMeasure.Flops.Label),
            new Axis("top-1", true),
            [new Line("front", [.. candidates.Front.Select(one => (one.Flops / CostMeasure.Flops.Unit, (double?)one.Top1))])],
            [
                new Dots("first generation", DotKind.Second, DotsOf(dot => dot.Generation == 0)),
                new Dots("evolved", DotKind.Plain, DotsOf(dot => dot.Generation != 0)),
                new Dots("best", DotKind.Marked,
                    [(best.Flops / CostMeasure.Flops.Unit, best.Top1, TextOf(best.Flops, best.Top1, best.Generation))]),
            ]);
        yield return new Chart(
            "Best and mean accuracy over generations", new Axis("generation", IsWhole: true), new Axis("top-1", true),
            [
                new Line("best so far", [.. candidates.Generations.Select(one => ((double)one.Last, (double?)one.Best))]),
                new Line("mean", [.. candidates.Generations.Select(one => ((double)one.Last, (double?)one.Mean))]),
            ],
            []);
    }

    // The search's own front, over all of its objectives, once it is written; until then that over FLOPs.
    private static Folded FrontOf(ReportedRun run, Candidates candidates)
    {
        string[][] rows = run.Front.Count > 0
            ? [.. run.Front.Select(one => new[] { Costs(one), Figure.Share(one.Top1), one.Architecture ?? "" })]
            : [.. candidates.Front.Select(one => new[] { CostMeasure.Flops.TextOf(one.Flops), Figure.Share(one.Top1), one.Architecture })];
        var parts = new List<Part>
        {
            new Grid(
                [new Column("costs"), new Column("top-1 in the supernet", true), new Column("architecture")],
                [.. rows.Take(MostFrontRows)]),
        };
        if (rows.Length > MostFrontRows) parts.Add(new Paragraph($"{rows.Length - MostFrontRows} more are left out here."));
        return new Folded($"The front: {Figure.Count(rows.Length, "candidate")}", parts);
    }

    private static string Costs(FrontMember one) => string.Join(", ",
        from cost in one.Costs ?? []
        orderby cost.Key
        let measure = new[] { CostMeasure.Flops, CostMeasure.Parameters, CostMeasure.Latency }
            .FirstOrDefault(measure => measure.FieldName == cost.Key)
        where measure != null
        select measure == CostMeasure.Latency ? $"{measure.NumberOf(cost.Value)} latency" : measure.TextOf(cost.Value));

    private static Grid Generations(Candidates candidates) => new(
        [
            new Column("generation", true), new Column("candidates", true), new Column("best so far", true), new Column("best", true),
            new Column("mean", true),
        ],
        [
            .. candidates.Generations.Select(one => new[]
            {
                one.First == one.Last ? $"{one.First}" : $"{one.First} to {one.Last}", Figure.Count(one.Candidates), Figure.Share(one.Best),
                Figure.Share(one.Own), Figure.Share(one.Mean),
            }),
        ]);

    private static Grid Best(Candidates candidates) => new(
        [new Column("top-1 in the supernet", true), new Column("FLOPs", true), new Column("generation", true), new Column("architecture")],
        [
            .. candidates.Best.Take(MostRows).Select(one => new[]
            {
                Figure.Share(one.Top1), CostMeasure.Flops.NumberOf(one.Flops), Figure.Count(one.Generation + 1L), one.Architecture,
            }),
        ]);
}
