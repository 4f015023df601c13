namespace Spos.Space;

/// <summary>A figure with the interval in which it lies with 95% confidence.</summary>
public readonly record struct Estimate(double Value, double Low, double High);

/// <summary>How well one measure orders things as another does.</summary>
public static class RankStatistics
{
    private const int Resamples = 10_000;

    /// <summary>
    /// Kendall's tau-b: pairs in the same order less pairs in opposite order, over the geometric mean of the pairs without a tie in
    /// each; NaN if one of the measures is constant.
    /// </summary>
    public static double KendallTau(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        CheckLengths(x, y);
        long balance = 0, distinctX = 0, distinctY = 0;
        for (int i = 0; i < x.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                int signX = x[i].CompareTo(x[j]), signY = y[i].CompareTo(y[j]);
                balance += signX * signY;
                distinctX += signX * signX;
                distinctY += signY * signY;
            }
        }
        return balance / Math.Sqrt((double)distinctX * distinctY);
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

    /// <summary>
    /// A statistic of pairs with its bootstrap interval: the 2.5% and 97.5% percentiles over 10,000 draws of as many pairs with
    /// replacement. Draws in which the statistic is not defined are left out.
    /// </summary>
    public static Estimate Bootstrap(
        IReadOnlyList<double> x, IReadOnlyList<double> y, Func<IReadOnlyList<double>, IReadOnlyList<double>, double> statistic, ulong seed)
    {
        CheckLengths(x, y);
        var values = new List<double>();
        double[] drawnX = new double[x.Count], drawnY = new double[x.Count];
        for (int sample = 0; sample < Resamples; sample++)
        {
            var random = new CounterRandom(seed, RandomPurpose.Resampling, (ulong)sample);
            for (int i = 0; i < drawnX.Length; i++)
            {
                int pick = random.NextInt(x.Count);
                (drawnX[i], drawnY[i]) = (x[pick], y[pick]);
            }
            double value = statistic(drawnX, drawnY);
            if (!double.IsNaN(value)) values.Add(value);
        }
        values.Sort();
        return values.Count == 0
            ? new Estimate(statistic(x, y), double.NaN, double.NaN)
            : new Estimate(
                statistic(x, y), values[(int)(0.025 * (values.Count - 1))], values[(int)Math.Ceiling(0.975 * (values.Count - 1))]);
    }

    private static double[] Ranks(IReadOnlyList<double> values) =>
        [.. values.Select(v => values.Count(other => other < v) + (values.Count(other => other.Equals(v)) + 1) / 2.0)];

    private static void CheckLengths(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count != y.Count || x.Count < 2)
        {
            throw new ArgumentException($"{x.Count} and {y.Count} values: two lists of the same length are needed, of at least 2.");
        }
    }
}
