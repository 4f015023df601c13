namespace Spos.Space;

/// <summary>A figure with the interval in which it lies with 95% confidence.</summary>
public readonly record struct Estimate(double Value, double Low, double High);

/// <summary>How well one measure orders things as another does.</summary>
public static class RankStatistics
{
    private const int Resamples = 10_000;

    // What sparse tau rounds to: 0.1%.
    private const double SparseSteps = 1000;

    /// <summary>
    /// Kendall's tau-b: pairs in the same order less pairs in opposite order, over the geometric mean of the pairs without a tie in
    /// each; NaN if one of the measures is constant.
    /// </summary>
    public static double KendallTau(IReadOnlyList<double> x, IReadOnlyList<double> y) => Tau(x, y, null);

    /// <summary>
    /// Kendall's tau-b of <paramref name="x"/> with accuracies that are rounded to 0.1% first, so that the order of those that are as good
    /// as equal does not count: sparse Kendall's tau (Yu et al., arXiv 2003.04276).
    /// </summary>
    public static double SparseTau(IReadOnlyList<double> x, IReadOnlyList<double> accuracies) =>
        Tau(x, [.. accuracies.Select(a => Math.Round(a * SparseSteps))], null);

    /// <summary>
    /// Kendall's tau-b over the pairs of which both are of one group; NaN if one of the measures is constant in every group.
    /// </summary>
    public static double TauWithin(IReadOnlyList<int> groups, IReadOnlyList<double> x, IReadOnlyList<double> y) => Tau(x, y, groups);

    /// <summary>
    /// Kendall's partial tau: that of <paramref name="x"/> and <paramref name="y"/> with <paramref name="held"/> constant,
    /// (t_xy − t_xh t_yh) / sqrt((1 − t_xh²)(1 − t_yh²)) (Kendall, Biometrika 32, 1942). NaN if a tau is, or if one of the two has the
    /// order of <paramref name="held"/>: then nothing is left to compare.
    /// </summary>
    public static double PartialTau(IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<double> held)
    {
        double together = KendallTau(x, y), first = KendallTau(x, held), second = KendallTau(y, held);
        double left = (1 - first * first) * (1 - second * second);
        // What rounding leaves of nothing is nothing.
        return left < 1e-12 ? double.NaN : (together - first * second) / Math.Sqrt(left);
    }

    /// <summary>Spearman's rho: the correlation of ranks, equal values sharing the mean of theirs; NaN if one is constant.</summary>
    public static double Spearman(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        CheckLengths(x, y);
        double[] a = Ranks(x), b = Ranks(y);
        double mean = (x.Count + 1) / 2.0, products = 0, squaresA = 0, squaresB = 0;
        for (int i = 0; i < a.Length; i++)
        {
            products += (a[i] - mean) * (b[i] - mean);
            squaresA += (a[i] - mean) * (a[i] - mean);
            squaresB += (b[i] - mean) * (b[i] - mean);
        }
        return products / Math.Sqrt(squaresA * squaresB);
    }

    /// <summary>A statistic of pairs with its bootstrap interval.</summary>
    public static Estimate Bootstrap(
        IReadOnlyList<double> x, IReadOnlyList<double> y, Func<IReadOnlyList<double>, IReadOnlyList<double>, double> statistic, ulong seed)
    {
        CheckLengths(x, y);
        return Bootstrap(x.Count, at => statistic([.. at.Select(i => x[i])], [.. at.Select(i => y[i])]), seed);
    }

    /// <summary>
    /// A statistic of things with its bootstrap interval: the 2.5% and 97.5% percentiles over 10,000 draws of as many of them with
    /// replacement. Draws in which the statistic is not defined are left out.
    /// </summary>
    /// <param name="count">How many things there are.</param>
    /// <param name="statistic">Of the things of these numbers, in which some may be there several times, and others not.</param>
    public static Estimate Bootstrap(int count, Func<IReadOnlyList<int>, double> statistic, ulong seed)
    {
        double whole = statistic([.. Enumerable.Range(0, count)]);
        var values = new List<double>();
        int[] drawn = new int[count];
        for (int sample = 0; sample < Resamples; sample++)
        {
            var random = new CounterRandom(seed, RandomPurpose.Resampling, (ulong)sample);
            for (int i = 0; i < drawn.Length; i++) drawn[i] = random.NextInt(count);
            double value = statistic(drawn);
            if (!double.IsNaN(value)) values.Add(value);
        }
        values.Sort();
        return values.Count == 0
            ? new Estimate(whole, double.NaN, double.NaN)
            : new Estimate(whole, values[(int)(0.025 * (values.Count - 1))], values[(int)Math.Ceiling(0.975 * (values.Count - 1))]);
    }

    private static double Tau(IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<int>? groups)
    {
        CheckLengths(x, y);
        long balance = 0, distinctX = 0, distinctY = 0;
        for (int i = 0; i < x.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (groups != null && groups[i] != groups[j]) continue;
                int signX = x[i].CompareTo(x[j]), signY = y[i].CompareTo(y[j]);
                balance += signX * signY;
                distinctX += signX * signX;
                distinctY += signY * signY;
            }
        }
        return balance / Math.Sqrt((double)distinctX * distinctY);
    }

    // From 1 on.
    private static double[] Ranks(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values], ranks = new double[values.Count];
        int[] order = [.. Enumerable.Range(0, values.Count)];
        Array.Sort(sorted, order);
        for (int first = 0, end; first < sorted.Length; first = end)
        {
            for (end = first + 1; end < sorted.Length && sorted[end].Equals(sorted[first]);) end++;
            for (int i = first; i < end; i++) ranks[order[i]] = (first + 1 + end) / 2.0;
        }
        return ranks;
    }

    private static void CheckLengths(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count != y.Count || x.Count < 2)
        {
            throw new ArgumentException($"{x.Count} and {y.Count} values: two lists of the same length are needed, of at least 2.");
        }
    }
}
