using System.Numerics;

namespace Spos.Base.Tests;

public sealed class CounterRandomTests
{
    [Fact]
    public void Wide_numbers_are_the_big_ones()
    {
        UInt128[] counts =
        [
            1, 2, 3, uint.MaxValue, (UInt128)uint.MaxValue + 1, (UInt128)uint.MaxValue + 2, ulong.MaxValue, (UInt128)ulong.MaxValue + 1,
            ((UInt128)1 << 96) / 3 * 2 + 1, UInt128.MaxValue / 3 * 2, UInt128.MaxValue,
        ];
        CounterRandom wide = new(1, RandomPurpose.Paths, 0), big = new(1, RandomPurpose.Paths, 0);
        foreach (UInt128 count in counts)
        {
            for (int i = 0; i < 50; i++) Assert.Equal(big.NextBig(count), (BigInteger)wide.NextWide(count));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => wide.NextWide(0));
    }

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
