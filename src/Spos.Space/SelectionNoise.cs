namespace Spos.Space;

/// <summary>
/// How much of a search's best score may be chance. A score on n pictures is a share of them, and so has a standard error of
/// √(p·(1−p)/n) as an estimate of the accuracy p (binomial). The best of k candidates that are all as good lies, by chance alone,
/// E[max of k standard normal variables] standard errors above their mean. Candidates that are wrong on the same pictures differ by
/// less, so this is an upper estimate.
/// </summary>
/// <param name="Pictures">The pictures that candidates are compared on.</param>
/// <param name="Candidates">How many candidates there were.</param>
/// <param name="Mean">Their mean score.</param>
/// <param name="Deviation">The standard deviation of their scores.</param>
/// <param name="Best">The best score.</param>
public sealed record SelectionNoise(int Pictures, int Candidates, double Mean, double Deviation, double Best)
{
    /// <param name="pictures">At least 1.</param>
    /// <param name="scores">At least one, each in [0, 1].</param>
    public static SelectionNoise Of(int pictures, IReadOnlyList<double> scores)
    {
        double mean = scores.Average();
        double deviation = scores.Count < 2 ? 0 : Math.Sqrt(scores.Sum(s => (s - mean) * (s - mean)) / (scores.Count - 1));
        return new SelectionNoise(pictures, scores.Count, mean, deviation, scores.Max());
    }

    /// <summary>The standard error of a score of the mean accuracy.</summary>
    public double StandardError => Math.Sqrt(Mean * (1 - Mean) / Pictures);

    /// <summary>What the best of as many equally good candidates would come to by chance.</summary>
    public double BestByChance => Math.Min(1, Mean + StandardError * ExpectedMaximum(Candidates));

    /// <summary>Whether chance alone explains the best score: then it says nothing about which candidate is best.</summary>
    public bool IsChance => Candidates > 1 && Best <= BestByChance;

    /// <summary>The expected maximum of <paramref name="count"/> independent standard normal variables.</summary>
    public static double ExpectedMaximum(int count)
    {
        // E = ∫₀^∞ (1 − Φ(x)ᵏ) dx − ∫₋∞⁰ Φ(x)ᵏ dx, by the midpoint rule, with Φ summed up on the way.
        const double Edge = 9, Width = 1e-3;
        double below = 0, expected = 0;
        for (double x = -Edge + Width / 2; x < Edge; x += Width)
        {
            double density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) * Width;
            double power = Math.Pow(Math.Min(1, below + density / 2), count);
            expected += (x < 0 ? -power : 1 - power) * Width;
            below += density;
        }
        return expected;
    }
}
