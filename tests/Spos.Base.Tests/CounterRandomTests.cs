namespace Spos.Base.Tests;

public sealed class CounterRandomTests
{
    [Theory]
    [InlineData(0.2f)]
    [InlineData(1f)]
    [InlineData(3.5f)]
    public void Beta_has_the_moments_of_its_distribution(float alpha)
    {
        const int count = 20_000;
        double[] values =
            [.. Enumerable.Range(0, count).Select(i => (double)new CounterRandom(1, RandomPurpose.Mixup, (ulong)i).NextBeta(alpha))];
        Assert.All(values, v => Assert.InRange(v, 0, 1));
        // Both parameters alpha: mean 1/2, variance 1 / (4 (2 alpha + 1)), fourth central moment 3 / (16 (2 alpha + 1) (2 alpha + 3)).
        double variance = 1 / (4 * (2 * alpha + 1.0)), fourth = 3 / (16 * (2 * alpha + 1.0) * (2 * alpha + 3.0));
        Assert.Equal(0.5, values.Average(), 4 * Math.Sqrt(variance / count));
        Assert.Equal(variance, values.Average(v => (v - 0.5) * (v - 0.5)), 4 * Math.Sqrt((fourth - variance * variance) / count));
        Assert.Equal(fourth, values.Average(v => Math.Pow(v - 0.5, 4)), 0.05 * fourth);
    }
}
