using Spos.Space;

namespace Spos.Space.Tests;

public sealed class RepeatabilityTests
{
    [Fact]
    public void It_is_that_of_an_analysis_of_variance()
    {
        // Mean squares: 2 (2² + 2²) / 1 = 16 between, (1 + 1 + 1 + 1) / 2 = 2 within.
        Repeatability found = Repeatability.Of([[1, 3], [5, 7]], 1);
        Assert.Equal(1, found.Tau, 12);
        Assert.Equal(Math.Sqrt(2), found.Noise, 12);
        Assert.Equal(Math.Sqrt(7), found.Spread, 12);
        Assert.Equal(Math.Sqrt(3.5), found.Ratio, 12);
        Assert.Equal(14.0 / 18, found.OfOne, 12);
        Assert.Equal(14.0 / 16, found.OfMean, 12);
        // Of the three ways to pair four numbers one sets them as far apart; 10,000 draws have a deviation of 0.005.
        Assert.InRange(found.Chance, 1.0 / 3 - 0.02, 1.0 / 3 + 0.02);
    }

    [Fact]
    public void Tau_is_the_mean_over_pairs_of_numbers()
    {
        // Orders 1 2 3, 1 2 3 and 3 2 1: taus of 1, -1 and -1.
        Assert.Equal(-1.0 / 3, Repeatability.Of([[1, 1, 3], [2, 2, 2], [3, 3, 1]], 1).Tau, 12);
    }

    [Fact]
    public void Known_truths_are_found()
    {
        const int count = 500;
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        double[][] measured = [.. Enumerable.Range(0, count).Select(_ => Measured(random, 2 * random.NextNormal(), 3))];
        Repeatability found = Repeatability.Of(measured, 1);
        // Noise has a deviation of 1 / sqrt(2 * 1000), the spread one of about 2 / sqrt(2 * 500): five of them.
        Assert.InRange(found.Noise, 1 - 0.12, 1 + 0.12);
        Assert.InRange(found.Spread, 2 - 0.35, 2 + 0.35);
        Assert.InRange(found.OfOne, 0.8 - 0.06, 0.8 + 0.06);
        Assert.InRange(found.OfMean, 12.0 / 13 - 0.03, 12.0 / 13 + 0.03);
        Assert.Equal(1.0 / 10_001, found.Chance, 12);
    }

    [Fact]
    public void Things_that_are_all_worth_the_same_show_a_spread_as_rarely_as_they_should()
    {
        const int trials = 200;
        int shown = 0;
        double reliability = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            var random = new CounterRandom(2, RandomPurpose.Drawing, (ulong)trial);
            double[][] measured = [.. Enumerable.Range(0, 12).Select(_ => Measured(random, 0, 2))];
            if (Repeatability.Of(measured, (ulong)trial).Chance <= 0.05) shown++;
            reliability += Repeatability.ReliabilityOfMean(measured) / trials;
        }
        // 10 are expected, with a deviation of 3.1.
        Assert.InRange(shown, 0, 22);
        // 1 - 1/F, whose mean is 1 - 11/9 for 11 and 12 degrees of freedom.
        Assert.InRange(reliability, 1 - 11.0 / 9 - 0.3, 1 - 11.0 / 9 + 0.3);
    }

    [Fact]
    public void Without_noise_or_without_any_difference_nothing_is_made_up()
    {
        Repeatability exact = Repeatability.Of([[1, 1], [2, 2], [3, 3]], 1);
        Assert.Equal((0, 1, 1), (exact.Noise, exact.OfOne, exact.OfMean));
        Assert.Equal(double.PositiveInfinity, exact.Ratio);
        Repeatability same = Repeatability.Of([[1, 1], [1, 1], [1, 1]], 1);
        Assert.Equal((0, 0, 1), (same.Noise, same.Spread, same.Chance));
        Assert.True(double.IsNaN(same.OfMean));
        Assert.True(double.IsNaN(same.Tau));
        // Things that differ by less than their noise makes likely are not reliable, and not less than that.
        Repeatability none = Repeatability.Of([[1, 3], [3, 1]], 1);
        Assert.Equal((0, 0, 0), (none.Spread, none.OfOne, none.OfMean));
    }

    [Fact]
    public void Measurements_that_are_missing_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Repeatability.Of([[1, 2]], 1));
        Assert.Throws<ArgumentException>(() => Repeatability.Of([[1], [2]], 1));
        Assert.Throws<ArgumentException>(() => Repeatability.Of([[1, 2], [2]], 1));
    }

    private static double[] Measured(CounterRandom random, double worth, int repeats) =>
        [.. Enumerable.Range(0, repeats).Select(_ => worth + random.NextNormal())];
}
