using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>What a reader should know who reads nothing else: what was done, what came of it, and what that is worth.</summary>
internal static class SummaryTexts
{
    public static IReadOnlyList<string> Of(RunChain chain, IReadOnlyList<Trainings> trainings) =>
        [Done(chain, trainings), Found(chain, trainings), Worth(chain)];

    public static IReadOnlyList<KeyFigure> Figures(RunChain chain, IReadOnlyList<Trainings> trainings)
    {
        var figures = new List<KeyFigure>();
        if (trainings.FirstOrDefault(one => one.Top1.Count > 0) is { } trained)
        {
            int count = trained.Top1.Count;
            figures.Add(new KeyFigure(Figure.Share(trained.Top1.Average()), count > 1 ? $"top-1 on val, mean of {count}" : "top-1 on val"));
        }
        if (Network(chain, trainings) is { } network)
        {
            figures.Add(new KeyFigure(CostMeasure.Flops.NumberOf(network.Flops), "FLOPs"));
            figures.Add(new KeyFigure(CostMeasure.Parameters.NumberOf(network.Parameters), "parameters"));
        }
        if (chain.Runs.Select(run => run.Candidates).OfType<Runs.Reading.Candidates>().FirstOrDefault() is { } candidates)
        {
            figures.Add(new KeyFigure(Figure.Count(candidates.Count), "candidates scored"));
        }
        if (CostSection.TotalSeconds(chain) is { } seconds) figures.Add(new KeyFigure(Figure.Time(seconds), "of computing on record"));
        return figures;
    }

    /// <summary>The network that a report is of; null if none was found yet.</summary>
    public static KnownNetwork? Network(RunChain chain, IReadOnlyList<Trainings> trainings) =>
        // The one whose accuracy is told.
        trainings.FirstOrDefault(one => one.Top1.Count > 0) is { } trained
            ? trained.Network
            : trainings.Select(one => one.Network).FirstOrDefault(one => one != null)
        ?? chain.Of(RunKind.Search).Select(run => run.Network).FirstOrDefault(one => one != null);

    private static string Done(RunChain chain, IReadOnlyList<Trainings> trainings)
    {
        var parts = new List<string>();
        if (chain.Of(RunKind.Supernet).FirstOrDefault() is { } supernet)
        {
            string of = KnownNetwork.SpecOf(supernet) is { } spec
                ? $" of {spec.Blocks} blocks and {Shown.Large((double)spec.Space.Size)} paths"
                : "";
            string on = DataSection.Pictures(supernet.Data?.Train) is { } pictures ? $" on {pictures}" : "";
            parts.Add($"a supernet{of} {Was(supernet, "was trained")}{on}");
        }
        if (chain.Of(RunKind.Search).FirstOrDefault() is { } search)
        {
            parts.Add($"a search {(search.IsFinished ? "scored" : "has scored")} {Figure.Count(search.Candidates?.Count ?? 0, "candidate")}"
                + $"{(search.IsFinished ? "" : " so far and is not finished")}");
        }
        int finished = trainings.Sum(one => one.Runs.Count(run => run.IsFinished)), all = trainings.Sum(one => one.Runs.Count);
        if (all > 0)
        {
            parts.Add(finished == all
                ? $"{Figure.Count(all, "training")} from scratch {(parts.Count > 0 ? "followed" : all == 1 ? "was done" : "were done")}"
                : $"of {Figure.Count(all, "training")} from scratch {finished} {(finished == 1 ? "is" : "are")} finished");
        }
        if (chain.Of(RunKind.Front).FirstOrDefault() is { } front)
        {
            parts.Add($"{Figure.Count(front.Networks.Count(one => one.Top1 != null), "network")} "
                + $"{(front.IsFinished ? "were" : "are so far")} trained from the search's front and to compare with");
        }
        if (chain.Of(RunKind.Rank).FirstOrDefault() is { } rank)
        {
            parts.Add($"the ranking of {Figure.Count(rank.Ranked.Count, "random architecture")} {Was(rank, "was checked")}");
        }
        if (parts.Count == 0) parts.Add($"{Figure.Count(chain.Runs.Count, "run")} {(chain.Runs.Count == 1 ? "is" : "are")} told of");
        string text = Figure.List(parts);
        return $"{char.ToUpperInvariant(text[0])}{text[1..]}.";
    }

    private static string Was(ReportedRun run, string done) => run.IsFinished ? done : $"{done} in part and is not finished";

    private static string Found(RunChain chain, IReadOnlyList<Trainings> trainings)
    {
        if (Network(chain, trainings) is not { } network) return "No network has been found yet.";
        string of = $"The network has {CostMeasure.Flops.TextOf(network.Flops)} and {CostMeasure.Parameters.TextOf(network.Parameters)}";
        if (trainings.FirstOrDefault(one => one.Top1.Count > 0) is not { } trained)
        {
            double? score = chain.Of(RunKind.Search).Select(run => run.Candidates is { Best: [var best, ..] } ? best.Top1 : (double?)null)
                .FirstOrDefault();
            return $"{of}; {(score is { } top1 ? $"with the supernet's weights it comes to {Figure.Share(top1)} top-1, and " : "")}"
                + "trained by itself it has not been measured yet.";
        }
        string pictures = trained.Pictures is { } count ? $" on {Figure.Count(count, "picture")} of val" : " on val";
        if (trained.Top1.Count == 1)
        {
            (double low, double high) = Sums.OfPictures(trained.Top1[0], trained.Pictures ?? double.PositiveInfinity);
            string interval = trained.Pictures == null
                ? ""
                : $" (95% interval, as of a sample of so many pictures: {Figure.Interval(low, high)})";
            return $"{of}, and one training from scratch comes to {Figure.Share(trained.Top1[0])} top-1{pictures}{interval}.";
        }
        (double mean, double deviation, double from, double to) = Sums.OfTrainings(trained.Top1);
        return $"{of}, and {trained.Top1.Count} trainings from scratch come to {Figure.Share(mean)} top-1{pictures} on average "
            + $"(standard deviation {Figure.Share(deviation)}, 95% interval of the mean: {Figure.Interval(from, to)}).";
    }

    private static string Worth(RunChain chain)
    {
        string ranking = RankingSection.Verdict(chain)
            ?? (chain.Of(RunKind.Search).Any() || chain.Of(RunKind.Supernet).Any()
                ? "whether the supernet's scores order networks as training does was not measured"
                : "there is no supernet whose scores could be checked");
        string cost = CostSection.TotalSeconds(chain) is { } seconds
            ? $"the computing on record took {Figure.Time(seconds)}{CostSection.Devices(chain)}"
            : "how long all this took is not on record";
        string text = $"{ranking}, and {cost}.";
        return $"{char.ToUpperInvariant(text[0])}{text[1..]}";
    }
}
