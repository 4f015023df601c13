namespace Spos.Space;

/// <summary>What is lost by training only those that are scored best.</summary>
/// <param name="Top">How many are trained.</param>
/// <param name="Regret">The accuracy of the best of all, less that of the best among those; expected, where scores are tied.</param>
/// <param name="AtRandom">The same if as many are picked at random: the mean over all picks.</param>
public readonly record struct TopRegret(int Top, double Regret, double AtRandom)
{
    /// <param name="accuracies">What is to be known of each.</param>
    /// <param name="top">From 1 to how many there are.</param>
    public static TopRegret Of(IReadOnlyList<double> scores, IReadOnlyList<double> accuracies, int top)
    {
        if (scores.Count != accuracies.Count) throw new ArgumentException($"{scores.Count} scores and {accuracies.Count} accuracies.");
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, scores.Count);
        double best = accuracies.Max(), last = scores.OrderDescending().ElementAt(top - 1);
        double[] Where(Func<double, bool> of) => [.. accuracies.Where((_, i) => of(scores[i]))];
        double[] above = Where(score => score > last), tied = Where(score => score.Equals(last));
        double found = ExpectedBest(tied, top - above.Length, above.Length > 0 ? above.Max() : double.NegativeInfinity);
        return new TopRegret(top, best - found, best - ExpectedBest([.. accuracies], top, double.NegativeInfinity));
    }

    // The mean, over all ways to draw so many of the values, of the best one that is drawn, or of the one that is there already.
    private static double ExpectedBest(double[] values, int drawn, double already)
    {
        Array.Sort(values);
        // The i-th from below is the best one drawn if all the others lie below it: C(i, drawn - 1) of C(n, drawn) ways.
        double expected = 0, ways = (double)drawn / values.Length;
        for (int i = values.Length - 1; i >= drawn - 1; i--)
        {
            expected += ways * Math.Max(values[i], already);
            if (i > 0) ways *= (i - drawn + 1.0) / i;
        }
        return expected;
    }
}
