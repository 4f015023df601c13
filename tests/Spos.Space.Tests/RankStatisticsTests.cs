using System.Text.Json;
using CsCheck;
using Spos.Space;

namespace Spos.Space.Tests;

public sealed class RankStatisticsTests
{
    [Fact]
    public void Tau_and_rho_are_scipys()
    {
        using JsonDocument golden = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "rank_golden.json")));
        foreach (JsonElement one in golden.RootElement.EnumerateArray())
        {
            double[] Values(string name) => [.. one.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
            Assert.Equal(one.GetProperty("tau").GetDouble(), RankStatistics.KendallTau(Values("x"), Values("y")), 12);
            Assert.Equal(one.GetProperty("rho").GetDouble(), RankStatistics.Spearman(Values("x"), Values("y")), 12);
        }
        Assert.True(double.IsNaN(RankStatistics.KendallTau([1, 1, 1], [1, 2, 3])));
        Assert.Throws<ArgumentException>(() => RankStatistics.Spearman([1, 2], [1, 2, 3]));
    }

    [Fact]
    public void Sparse_tau_takes_accuracies_that_round_to_the_same_tenth_of_a_percent_for_equal()
    {
        double[] scores = [1, 2, 3, 4], accuracies = [0.5001, 0.5004, 0.5002, 0.6];
        // Five pairs of six agree; the last one has three pairs that are not tied, all of which do.
        Assert.Equal(4.0 / 6, RankStatistics.KendallTau(scores, accuracies), 12);
        Assert.Equal(3 / Math.Sqrt(6 * 3), RankStatistics.SparseTau(scores, accuracies), 12);
        Assert.True(double.IsNaN(RankStatistics.SparseTau(scores, [0.5001, 0.5002, 0.5003, 0.5004])));
        Gen<double[]> whole = Gen.Int[0, 20].Select(i => i / 1000.0).Array[8];
        // NaN where all are equal.
        Gen.Select(whole, whole).Sample(
            (x, y) => RankStatistics.SparseTau(x, y).Equals(RankStatistics.KendallTau(x, y)), iter: 1000);
    }

    [Fact]
    public void Partial_tau_is_Kendalls_formula()
    {
        double[] x = [1, 2, 3, 4], y = [1, 3, 2, 4], held = [2, 1, 3, 4];
        // The taus are 2/3, 2/3 and 1/3.
        Assert.Equal((2.0 / 3 - 2.0 / 9) / Math.Sqrt(5.0 / 9 * (8.0 / 9)), RankStatistics.PartialTau(x, y, held), 12);
        Assert.True(double.IsNaN(RankStatistics.PartialTau(x, y, x)));
        Assert.True(double.IsNaN(RankStatistics.PartialTau(x, y, [3, 3, 3, 3])));
    }

    [Fact]
    public void What_comes_of_a_third_measure_alone_is_not_in_partial_tau()
    {
        const int count = 600;
        var random = new CounterRandom(3, RandomPurpose.Drawing, 0);
        double[] held = [.. Enumerable.Range(0, count).Select(_ => (double)random.NextNormal())];
        double[] x = [.. held.Select(h => h + random.NextNormal())], y = [.. held.Select(h => h + random.NextNormal())];
        // Correlations of 1/2 and 1/sqrt(2): tau is 1/3, and 1/2 with what is held, so that (1/3 - 1/4) / (3/4) = 1/9 is left.
        // The tau of 600 pairs has a deviation of about 0.03.
        Assert.InRange(RankStatistics.KendallTau(x, y), 1.0 / 3 - 0.1, 1.0 / 3 + 0.1);
        Assert.InRange(RankStatistics.PartialTau(x, y, held), 1.0 / 9 - 0.1, 1.0 / 9 + 0.1);
    }

    [Fact]
    public void Tau_within_groups_counts_no_pair_of_two_groups()
    {
        double[] x = [1, 2, 3, 4], y = [2, 1, 3, 4];
        Assert.Equal(4.0 / 6, RankStatistics.KendallTau(x, y), 12);
        Assert.Equal(0, RankStatistics.TauWithin([0, 0, 1, 1], x, y), 12);
        Assert.True(double.IsNaN(RankStatistics.TauWithin([0, 1, 2, 3], x, y)));
        Gen<double[]> values = Gen.Int[0, 9].Select(i => (double)i).Array[8];
        Gen.Select(values, values).Sample(
            (a, b) => RankStatistics.TauWithin(new int[8], a, b).Equals(RankStatistics.KendallTau(a, b)), iter: 1000);
    }

    [Fact]
    public void The_interval_holds_the_true_value_about_as_often_as_it_says()
    {
        // Of normal pairs with correlation r, tau is 2/pi * asin(r).
        const double r = 0.6;
        double truth = 2 / Math.PI * Math.Asin(r);
        const int trials = 60, pairs = 40;
        int inside = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            var random = new CounterRandom(5, RandomPurpose.Drawing, (ulong)trial);
            double[] x = new double[pairs], y = new double[pairs];
            for (int i = 0; i < pairs; i++)
            {
                x[i] = random.NextNormal();
                y[i] = r * x[i] + Math.Sqrt(1 - r * r) * random.NextNormal();
            }
            Estimate tau = RankStatistics.Bootstrap(x, y, RankStatistics.KendallTau, 1);
            Assert.InRange(tau.Value, tau.Low, tau.High);
            if (truth >= tau.Low && truth <= tau.High) inside++;
        }
        // 95% with four deviations of a binomial distribution, and the bootstrap is a little narrow.
        Assert.InRange(inside / (double)trials, 0.83, 1);
    }
}
