using Spos.Report.Chains;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Report.Sections;

/// <summary>Trainings from scratch of one network, with the same options but for their seeds, and on the same pictures.</summary>
/// <param name="Network">Null where the files do not tell it.</param>
/// <param name="Runs">One at least.</param>
internal sealed record Trainings(KnownNetwork? Network, IReadOnlyList<ReportedRun> Runs)
{
    /// <summary>Top-1 of those that are finished, one of each seed: a copy of a run tells nothing more.</summary>
    public IReadOnlyList<double> Top1 =>
    [
        .. Runs.Where(run => run.IsFinished && run.Result.Share("top1") != null).DistinctBy(run => run.Option("seed") ?? run.Folder)
            .Select(run => run.Result.Share("top1")!.Value),
    ];

    /// <summary>Pictures that the accuracy was measured on; null where that is not known.</summary>
    public double? Pictures => Runs.Select(run => run.Result.Number("pictures")).FirstOrDefault(count => count > 0);

    /// <summary>The trainings of a chain, in the order of its runs.</summary>
    public static IReadOnlyList<Trainings> Of(RunChain chain) =>
    [
        .. from run in chain.Of(RunKind.Scratch)
           group run by KeyOf(run) into alike
           select new Trainings(alike.First().Network, [.. alike]),
    ];

    // The architecture counts as it is, wherever it was read from. A run that does not tell it is like no other.
    private static string KeyOf(ReportedRun run)
    {
        if (run.Network is not { } network || run.Asked == null) return run.Folder;
        IEnumerable<string> kept = from option in run.Asked.Options
                                   where option.Influence == Influence.Kept && option.Name is not ("seed" or "architecture")
                                   select $"{option.Name}={option.Value}";
        string pictures = $"{run.Data?.Train?.Digest} {run.Data?.Val?.Digest}";
        return string.Join('\n', kept.Prepend($"{network.Path}").Append(pictures));
    }
}
