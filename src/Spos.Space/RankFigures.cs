namespace Spos.Space;

/// <summary>
/// How well a supernet's scores order architectures as training from scratch does. An architecture's accuracy is the mean over its
/// trainings; intervals are bootstrapped over architectures.
/// </summary>
public sealed record RankFigures
{
    // The sizes of the top whose regret is told.
    private static readonly int[] Tops = [1, 3, 5];

    /// <summary>How many architectures were compared.</summary>
    public required int Architectures { get; init; }

    /// <summary>How often each was trained from scratch.</summary>
    public required int Trainings { get; init; }

    /// <summary>Equal parts of the range of FLOPs that architectures were drawn from.</summary>
    public required int Parts { get; init; }

    /// <summary>Kendall's tau of scores and accuracies; NaN where nothing is ranked, as of all that follow.</summary>
    public required Estimate Tau { get; init; }

    /// <summary>The same with accuracies that are rounded to 0.1%.</summary>
    public required Estimate SparseTau { get; init; }

    /// <summary>Spearman's rho of scores and accuracies.</summary>
    public required Estimate Rho { get; init; }

    /// <summary>Kendall's tau of FLOPs and accuracies: what is had without a supernet.</summary>
    public required Estimate FlopsTau { get; init; }

    /// <summary>Kendall's partial tau of scores and accuracies, with FLOPs held constant.</summary>
    public required Estimate PartialTau { get; init; }

    /// <summary>Kendall's tau of scores and accuracies within the parts of the range of FLOPs; null if there is one part.</summary>
    public Estimate? TauWithinParts { get; init; }

    /// <summary>For tops that are smaller than all.</summary>
    public required IReadOnlyList<TopRegret> Regrets { get; init; }

    /// <summary>How far trainings with different seeds agree; null if there is one of each architecture.</summary>
    public Repeatability? Agreement { get; init; }

    /// <summary>
    /// The rho with the mean accuracy that a ranking without any fault would have: the square root of the mean's reliability; null if
    /// nothing is known of it.
    /// </summary>
    public double? Ceiling => Agreement == null ? null : Math.Sqrt(Agreement.OfMean);

    /// <summary>
    /// What the scores explain of what can be explained: <see cref="Rho"/> over <see cref="Ceiling"/>, the correction for attenuation of
    /// Spearman (American Journal of Psychology 15, 1904). It is his for correlations of values, and an approximation for those of ranks;
    /// sampling may take it above 1. NaN where the ceiling is 0; null if nothing is known of it.
    /// </summary>
    public Estimate? Explained { get; init; }

    /// <param name="trainings">Accuracies from scratch of each architecture, of all as many.</param>
    /// <param name="parts">Of the range of FLOPs.</param>
    /// <param name="seed">Of what is drawn for the intervals.</param>
    public static RankFigures Of(
        IReadOnlyList<double> scores, IReadOnlyList<double> flops, IReadOnlyList<double[]> trainings, CostParts parts, ulong seed)
    {
        double[] means = [.. trainings.Select(t => t.Average())];
        int[] groups = [.. flops.Select(parts.Of)];
        bool isRepeated = trainings[0].Length > 1;
        return new RankFigures
        {
            Architectures = scores.Count,
            Trainings = trainings[0].Length,
            Parts = parts.Count,
            Tau = RankStatistics.Bootstrap(scores, means, RankStatistics.KendallTau, seed),
            SparseTau = RankStatistics.Bootstrap(scores, means, RankStatistics.SparseTau, seed),
            Rho = RankStatistics.Bootstrap(scores, means, RankStatistics.Spearman, seed),
            FlopsTau = RankStatistics.Bootstrap(flops, means, RankStatistics.KendallTau, seed),
            PartialTau = OverAll(at => RankStatistics.PartialTau(At(scores, at), At(means, at), At(flops, at))),
            TauWithinParts = parts.Count == 1
                ? null
                : OverAll(at => RankStatistics.TauWithin(At(groups, at), At(scores, at), At(means, at))),
            Regrets = [.. Tops.Where(top => top < scores.Count).Select(top => TopRegret.Of(scores, means, top))],
            Agreement = isRepeated ? Repeatability.Of(trainings, seed) : null,
            Explained = isRepeated ? OverAll(ExplainedOf) : null,
        };

        Estimate OverAll(Func<IReadOnlyList<int>, double> statistic) => RankStatistics.Bootstrap(scores.Count, statistic, seed);

        double ExplainedOf(IReadOnlyList<int> at)
        {
            double reliability = Repeatability.ReliabilityOfMean(At(trainings, at));
            return reliability > 0 ? RankStatistics.Spearman(At(scores, at), At(means, at)) / Math.Sqrt(reliability) : double.NaN;
        }
    }

    private static T[] At<T>(IReadOnlyList<T> all, IReadOnlyList<int> places) => [.. places.Select(place => all[place])];
}
