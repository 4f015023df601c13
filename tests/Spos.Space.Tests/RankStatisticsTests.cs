using System.Text.Json;
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
