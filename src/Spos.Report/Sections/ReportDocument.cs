using Spos.Report.Chains;
using Spos.Report.Documents;

namespace Spos.Report.Sections;

/// <summary>The report of runs that belong together.</summary>
internal static class ReportDocument
{
    private const int MostTroubles = 50;

    public static Document Of(RunChain chain)
    {
        IReadOnlyList<Trainings> trainings = Trainings.Of(chain);
        Section?[] sections =
        [
            // What came of it first, then how.
            Runs(chain), NetworkSection.Of(chain, trainings), AccuracySection.Of(trainings), FrontSection.Of(chain),
            RankingSection.Of(chain), SearchSection.Of(chain), SpaceSection.Of(chain), DataSection.Of(chain), CurveSection.Of(chain),
            CostSection.Of(chain), OptionSection.Of(chain), OptionSection.Repeat(chain), ChecklistSection.Of(chain, trainings),
            ModelCard.Of(chain),
        ];
        return new Document(
            $"Report: {Figure.List([.. chain.Runs.Take(4).Select(run => run.Name)])}{(chain.Runs.Count > 4 ? " and more" : "")}",
            SummaryTexts.Of(chain, trainings), SummaryTexts.Figures(chain, trainings), [.. sections.OfType<Section>()]);
    }

    // Which runs these are, and what of them is not there.
    private static Section Runs(RunChain chain)
    {
        var parts = new List<Part>
        {
            new Grid(
                [new Column("run"), new Column("kind"), new Column("state"), new Column("started"), new Column("folder")],
                [
                    .. chain.Runs.Select(run => new[]
                    {
                        run.Name, run.Kind.Command, run.IsFinished ? "finished" : "not finished",
                        run.Record.Started is { Length: >= 16 } started ? started[..16].Replace('T', ' ') : "not known", run.Folder,
                    }),
                ]),
        };
        if (chain.IsCut) parts.Add(new Paragraph($"There are more runs than the {RunChain.MostRuns} that a report tells of."));
        parts.AddRange(chain.Troubles.Take(MostTroubles).Select(trouble => new Paragraph(trouble)));
        if (chain.Troubles.Count > MostTroubles) parts.Add(new Paragraph($"And {chain.Troubles.Count - MostTroubles} more."));
        return new Section("runs", "The runs", parts);
    }
}
