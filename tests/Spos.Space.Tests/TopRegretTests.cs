using System.Numerics;
using CsCheck;
using Spos.Space;

namespace Spos.Space.Tests;

public sealed class TopRegretTests
{
    [Fact]
    public void It_is_what_the_best_is_above_the_best_of_the_top()
    {
        double[] scores = [0.9, 0.8, 0.7, 0.6], accuracies = [0.5, 0.7, 0.8, 0.6];
        // At random the mean is 0.65.
        AssertIs(0.3, 0.15, TopRegret.Of(scores, accuracies, 1));
        // Of six pairs three have the best, two more the second, one the third.
        AssertIs(0.1, (2 * 0.1 + 0.2) / 6, TopRegret.Of(scores, accuracies, 2));
        AssertIs(0, 0, TopRegret.Of(scores, accuracies, 4));
        // The second and third are tied: either may be in the top.
        AssertIs(0.05, (2 * 0.1 + 0.2) / 6, TopRegret.Of([0.9, 0.8, 0.8, 0.6], accuracies, 2));
    }

    [Fact]
    public void Ties_and_chance_are_means_over_all_ways_to_pick()
    {
        Gen<double[]> scores = Gen.Int[0, 3].Select(i => (double)i).Array[7], accuracies = Gen.Int[0, 100].Select(i => i / 100.0).Array[7];
        Gen.Select(scores, accuracies, Gen.Int[1, 7]).Sample((s, a, top) =>
        {
            int[][] all = [.. Enumerable.Range(0, 1 << 7).Where(m => BitOperations.PopCount((uint)m) == top).Select(Members)];
            bool IsTop(int[] picked) => picked.Min(i => s[i]) >= Enumerable.Range(0, 7).Except(picked).Max(i => (double?)s[i] ?? -1);
            double Mean(IEnumerable<int[]> picks) => a.Max() - picks.Average(picked => picked.Max(i => a[i]));
            TopRegret regret = TopRegret.Of(s, a, top);
            return Math.Abs(regret.AtRandom - Mean(all)) < 1e-9
                && Math.Abs(regret.Regret - Mean(all.Where(p => p.Length == 7 || IsTop(p)))) < 1e-9;
        }, iter: 2000);
    }

    [Fact]
    public void What_cannot_be_picked_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TopRegret.Of([1, 2], [1, 2], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TopRegret.Of([1, 2], [1, 2], 3));
        Assert.Throws<ArgumentException>(() => TopRegret.Of([1, 2, 3], [1, 2], 1));
    }

    private static int[] Members(int mask) => [.. Enumerable.Range(0, 7).Where(i => (mask >> i & 1) == 1)];

    private static void AssertIs(double regret, double atRandom, TopRegret found)
    {
        Assert.Equal(regret, found.Regret, 12);
        Assert.Equal(atRandom, found.AtRandom, 12);
    }
}
