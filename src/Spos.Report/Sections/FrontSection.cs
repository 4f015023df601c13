using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>What the networks of a front came to, beside random and hand-made ones.</summary>
internal static class FrontSection
{
    private const int MostRows = 200;

    public static Section? Of(RunChain chain)
    {
        var parts = new List<Part>();
        ReportedRun[] fronts = [.. chain.Of(RunKind.Front)];
        foreach (ReportedRun run in fronts)
        {
            if (fronts.Length > 1) parts.Add(new Heading(run.Name));
            if (!run.IsFinished)
            {
                parts.Add(new Paragraph(
                    $"The front {run.Name} is not finished: {run.Networks.Count(one => one.Top1 != null)} of "
                    + $"{Figure.Count(run.Networks.Count, "network")} are trained."));
            }
            ResultFigures[] networks = [.. run.Result.Parts("networks").Take(MostRows)];
            if (run.IsFinished && networks.Length > 0)
            {
                parts.Add(ChartOf(networks));
                parts.Add(TableOf(networks));
            }
            else
            {
                parts.Add(new Grid(
                    [new Column("network"), new Column("top-1 in the supernet", true), new Column("top-1 on val", true)],
                    [.. run.Networks.Take(MostRows).Select(one => new[] { one.Name, Figure.Share(one.Score), Figure.Share(one.Top1) })]));
            }
        }
        return parts.Count == 0 ? null : new Section("front", "Networks trained along the front", parts);
    }

    private static Chart ChartOf(IReadOnlyList<ResultFigures> networks)
    {
        (double, double, string)[] DotsOf(Func<string?, bool> which) =>
        [
            .. from one in networks
               where which(one.Text("source")) && one.Part("costs").Number("flops") != null && one.Number("top1") != null
               let flops = one.Part("costs").Number("flops")!.Value
               let top1 = one.Number("top1")!.Value
               let text = $"{one.Text("name")}: {CostMeasure.Flops.TextOf(flops)}, {Figure.Share(top1)}"
               select (flops / CostMeasure.Flops.Unit, top1, text),
        ];
        return new Chart(
            "Accuracy after training over FLOPs: networks of the front and others", new Axis(CostMeasure.Flops.Label),
            new Axis("top-1 on val", true), [],
            [
                new Dots("front of the search", DotKind.Plain, DotsOf(source => source == "front")),
                new Dots("random", DotKind.Second, DotsOf(source => source == "random")),
                new Dots("hand-made", DotKind.Marked, DotsOf(source => source is not ("front" or "random"))),
            ]);
    }

    private static Grid TableOf(IReadOnlyList<ResultFigures> networks) => new(
        [
            new Column("network"), new Column("FLOPs", true), new Column("parameters", true), new Column("top-1 in the supernet", true),
            new Column("top-1 on val", true), new Column("best for its cost"),
        ],
        [
            .. networks.Select(one => new[]
            {
                one.Text("name") ?? "", Cost(one, CostMeasure.Flops), Cost(one, CostMeasure.Parameters), Figure.Share(one.Number("score")),
                Figure.Share(one.Number("top1")), one.Flag("best") == true ? "yes" : "",
            }),
        ]);

    private static string Cost(ResultFigures network, CostMeasure measure) =>
        network.Part("costs").Number(measure.FieldName) is { } cost ? measure.NumberOf(cost) : "–";
}
