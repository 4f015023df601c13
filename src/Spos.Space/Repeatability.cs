namespace Spos.Space;

/// <summary>
/// How far several measurements of the same things agree, by a one-way analysis of variance: a measurement is what its thing is worth
/// plus noise. What measurements of one number have in common, such as the luck of a seed, counts as noise.
/// </summary>
/// <param name="Tau">Kendall's tau between measurements of two numbers, the mean over all pairs; NaN if one orders nothing.</param>
/// <param name="Noise">The standard deviation of a measurement of one thing, pooled over all things.</param>
/// <param name="Spread">The standard deviation between things, without the noise; 0 if noise explains what they differ by.</param>
/// <param name="OfOne">
/// The reliability of one measurement: the share of its variance that is between things, Spread² / (Spread² + Noise²). It is
/// ICC(1, 1) of Shrout and Fleiss (Psychological Bulletin 86, 1979), and 0 where that is negative; NaN if all measurements are equal.
/// </param>
/// <param name="OfMean">The reliability of a thing's mean: ICC(1, k) of the same.</param>
/// <param name="Chance">
/// How likely things that are all worth the same differ as much as these: the share of 10,000 permutations of all measurements.
/// </param>
public sealed record Repeatability(double Tau, double Noise, double Spread, double OfOne, double OfMean, double Chance)
{
    private const int Permutations = 10_000;

    // Sums in another order differ by rounding.
    private const double Rounding = 1e-9;

    /// <summary>Spread over noise; NaN if all measurements are equal.</summary>
    public double Ratio => Spread / Noise;

    /// <param name="measurements">Of each thing; of all things as many, at least 2. At least 2 things.</param>
    public static Repeatability Of(IReadOnlyList<double[]> measurements, ulong seed)
    {
        Check(measurements);
        int repeats = measurements[0].Length;
        (double between, double within) = MeanSquares(measurements);
        double spread = Math.Sqrt(Math.Max(0, between - within) / repeats);
        double one = (between - within) / (between + (repeats - 1) * within);
        return new Repeatability(
            MeanTau(measurements), Math.Sqrt(within), spread, Math.Max(0, one), Math.Max(0, ReliabilityOfMean(measurements)),
            ChanceOf(measurements, seed));
    }

    /// <summary>Kendall's tau between measurements of two numbers, the mean over all pairs; NaN if one orders nothing.</summary>
    /// <param name="measurements">As of <see cref="Of"/>.</param>
    public static double MeanTau(IReadOnlyList<double[]> measurements)
    {
        double[] Number(int number) => [.. measurements.Select(m => m[number])];
        IEnumerable<double> all =
            from a in Enumerable.Range(0, measurements[0].Length)
            from b in Enumerable.Range(0, a)
            select RankStatistics.KendallTau(Number(a), Number(b));
        return all.Average();
    }

    /// <summary>The reliability of means, negative where they differ by less than noise would make them; NaN if all are equal.</summary>
    public static double ReliabilityOfMean(IReadOnlyList<double[]> measurements)
    {
        (double between, double within) = MeanSquares(measurements);
        return (between - within) / between;
    }

    // Those of things, and of measurements of one thing.
    private static (double Between, double Within) MeanSquares(IReadOnlyList<double[]> measurements)
    {
        Check(measurements);
        int repeats = measurements[0].Length;
        double[] means = [.. measurements.Select(m => m.Average())];
        double mean = means.Average();
        double between = repeats * means.Sum(m => (m - mean) * (m - mean)) / (means.Length - 1);
        double within = measurements.Select((m, i) => m.Sum(v => (v - means[i]) * (v - means[i]))).Sum() / (means.Length * (repeats - 1));
        return (between, within);
    }

    private static double ChanceOf(IReadOnlyList<double[]> measurements, ulong seed)
    {
        int repeats = measurements[0].Length, asFar = 0;
        double[] all = [.. measurements.SelectMany(m => m)];
        double mean = all.Average();
        for (int i = 0; i < all.Length; i++) all[i] -= mean;
        // The variance of all is always the same, so that of the means, and so this, tells how far things differ.
        double Squares()
        {
            double squares = 0;
            for (int thing = 0; thing < measurements.Count; thing++)
            {
                double sum = 0;
                for (int i = 0; i < repeats; i++) sum += all[thing * repeats + i];
                squares += sum * sum;
            }
            return squares;
        }

        double observed = Squares() * (1 - Rounding);
        for (int permutation = 0; permutation < Permutations; permutation++)
        {
            new CounterRandom(seed, RandomPurpose.Resampling, (ulong)permutation, 1).Shuffle<double>(all);
            if (Squares() >= observed) asFar++;
        }
        return (asFar + 1.0) / (Permutations + 1);
    }

    private static void Check(IReadOnlyList<double[]> measurements)
    {
        if (measurements.Count < 2 || measurements.Any(m => m.Length < 2 || m.Length != measurements[0].Length))
        {
            throw new ArgumentException("At least 2 things are needed, with as many measurements each, at least 2.");
        }
    }
}
