using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Report.Sections;

/// <summary>
/// What a study of architecture search should have done and should tell, after the list of Lindauer and Hutter (Best Practices for
/// Scientific Research on Neural Architecture Search, JMLR 21, 2020), in other words. An answer is what the files say; where they cannot
/// say it, it is not known.
/// </summary>
internal static class ChecklistSection
{
    // With two there is no telling a deviation.
    private const int EnoughSeeds = 3;

    public static Section Of(RunChain chain, IReadOnlyList<Trainings> trainings) => new(
        "checklist", "Checklist of good practice",
        [
            new Paragraph(
                "These questions follow the best practices for research on architecture search of Lindauer and Hutter (2020). Each is "
                + "answered from the files of the runs above alone; what they cannot tell is not known."),
            new Checklist([.. Checks(chain, trainings)]),
        ]);

    private static IEnumerable<Check> Checks(RunChain chain, IReadOnlyList<Trainings> trainings)
    {
        ReportedRun[] scratch = [.. chain.Of(RunKind.Scratch)], searches = [.. chain.Of(RunKind.Search)], all = [.. chain.Runs];
        ReportedRun[] supernets = [.. chain.Of(RunKind.Supernet)], fronts = [.. chain.Of(RunKind.Front)];
        ReportedRun[] ranks = [.. chain.Of(RunKind.Rank)];
        string? missing = chain.IsCut || chain.Missing.Count > 0 ? "a run is not here" : null;
        string? untold = missing ?? (chain.Of(RunKind.Import).Any() ? "what was imported was made elsewhere" : null);
        yield return Repeatable("Can the training of the final network be run again, with all its options?", scratch, null);
        yield return Repeatable(
            "Can the search and its supernet be run again, with all their options?", [.. supernets, .. searches], missing);
        yield return OfAll(
            "Is the seed of every run on record?", all.All(run => run.Option("seed") != null || run.Kind == RunKind.Import),
            $"seeds {string.Join(", ", all.Select(run => run.Option("seed")).OfType<string>().Distinct())}", "a run has none", missing);
        yield return OfSearches(
            "Is the search space told exactly?", searches, searches.All(run => KnownNetwork.SpecOf(run) != null),
            "the records have the network's sizes and the choices of its blocks", "a record does not tell them");
        yield return OfAll(
            "Can the pictures of every run be told from others?",
            all.All(run => run.Data is { Train.Digest: not null, Val.Digest: not null } || run.Kind == RunKind.Import),
            "digests of train and val are kept", "of a run no file has digests of them", missing);
        yield return HeldOut(searches);
        yield return Seeds(trainings);
        int searchSeeds = searches.Where(run => run.IsFinished).Select(run => run.Option("seed")).Distinct().Count();
        string seeds = $"{Figure.Count(searchSeeds, "seed")} among these runs";
        yield return OfSearches("Was the search itself repeated with other seeds?", searches, searchSeeds > 1, seeds, seeds);
        yield return RandomNetworks(fronts, ranks);
        bool[] alike = [.. fronts.Concat(ranks).Select(run => run.IsFinished)];
        yield return new Check(
            "Were networks compared that were trained in the same way?", alike.Any(done => done) ? Answer.Yes : Answer.Unknown,
            alike.Any(done => done)
                ? "all networks of a front or ranking are trained with the options of that run"
                : "these files hold no comparison of trained networks that is finished");
        yield return OfSearches(
            "Is the accuracy over the course of the search told?", searches, searches.All(run => run.Candidates?.Count > 0),
            "every candidate is kept with its generation", "of a search no candidate is on record");
        bool ranked = ranks.Any(run => run.IsFinished);
        yield return new Check(
            "Was it measured how far the supernet's scores agree with training?", ranked ? Answer.Yes : Answer.No,
            RankingSection.Verdict(chain) ?? (ranks.Length > 0 ? "a ranking has been begun and is not finished" : "spos rank measures it"));
        yield return OfAll(
            "Are machine and software on record?",
            all.All(run => run.Record.DeviceName != null && run.Setting is { Version: not null, Runtime: not null }),
            "each record has the device, the version and the runtime", "a record lacks one of them", missing);
        yield return OfAll(
            "Is the whole cost on record?", all.All(run => run.Seconds != null || run.Kind == RunKind.Import),
            "each run has its time, see Cost", "some runs have no time on record", untold);
        yield return new Check("Was every part of the method tried without it (ablations)?", Answer.Unknown, "no file tells");
        yield return new Check(
            "Is it told how the options were chosen, and what that cost?", Answer.Unknown,
            "files tell options, and not how people chose them");
        yield return new Check(
            "Was the method tried on a benchmark with known results as well?", Answer.Unknown, "no file tells");
    }

    private static Check Known(string question, bool holds, string yes, string no) =>
        new(question, holds ? Answer.Yes : Answer.No, holds ? yes : no);

    // Of runs that are not here nothing is claimed.
    private static Check OfAll(string question, bool holds, string yes, string no, string? unknown) =>
        holds && unknown != null ? new Check(question, Answer.Unknown, unknown) : Known(question, holds, yes, no);

    private static Check OfSearches(string question, ReportedRun[] searches, bool holds, string yes, string no) =>
        searches.Length == 0 ? new Check(question, Answer.Unknown, "there is no search here") : Known(question, holds, yes, no);

    private static Check Repeatable(string question, ReportedRun[] runs, string? unknown)
    {
        if (runs.Length == 0) return new Check(question, Answer.Unknown, "there is no such run here");
        bool all = runs.All(run => run.Asked?.Line != null && run.Setting?.Version != null);
        return OfAll(
            question, all, "commands and version are told under How to repeat it", "a run has no record that this version can run again",
            unknown);
    }

    private static Check HeldOut(ReportedRun[] searches)
    {
        const string Question = "Were candidates compared on pictures apart from those that accuracies are told of?";
        string[] on = [.. searches.Select(run => run.Option(KeptOptions.SelectOnOption)).OfType<string>().Distinct()];
        return on.Length == 0 ? new Check(Question, Answer.Unknown, "no search tells")
            : on.Contains(KeptOptions.SelectOnVal) ? new Check(Question, Answer.No, "the search compared them on val")
            : new Check(Question, Answer.Yes, $"the search compared them on {string.Join(", ", on)}");
    }

    private static Check Seeds(IReadOnlyList<Trainings> trainings)
    {
        const string Question = "Was the final network trained several times, with other seeds?";
        if (trainings.Count == 0) return new Check(Question, Answer.No, "no training from scratch is here");
        int most = trainings.Max(one => one.Runs.Where(run => run.IsFinished).Select(run => run.Option("seed")).Distinct().Count());
        return new Check(
            Question, most >= EnoughSeeds ? Answer.Yes : Answer.No,
            $"{Figure.Count(most, "seed")}; {EnoughSeeds} or more tell a deviation");
    }

    private static Check RandomNetworks(ReportedRun[] fronts, ReportedRun[] ranks)
    {
        const string Question = "Was the result compared with random networks of the same space?";
        int random = fronts.Sum(run => run.Networks.Count(one => one.Source == FrontSource.Random && one.Top1 != null));
        int ranked = ranks.Sum(run => run.Ranked.Count(one => one.Trainings.Length > 0));
        if (random > 0) return new Check(Question, Answer.Yes, $"{Figure.Count(random, "random network")} trained beside the front");
        return ranked > 0
            ? new Check(Question, Answer.Yes, $"{Figure.Count(ranked, "random architecture")} trained for the ranking")
            : new Check(Question, Answer.No, "no random network was trained in these runs");
    }
}
