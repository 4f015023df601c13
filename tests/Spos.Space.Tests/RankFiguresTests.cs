using Spos.Space;

namespace Spos.Space.Tests;

/// <summary>Rankings that are simulated from a known truth.</summary>
public sealed class RankFiguresTests
{
    private static readonly CostParts OnePart = new(100, 200, 1);

    [Fact]
    public void What_is_explained_is_free_of_the_noise_of_trainings()
    {
        const double truth = 0.8;
        const int trials = 12;
        double rho = 0, explained = 0;
        int inside = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            // Noise of the spread's size: the mean of two trainings has a reliability of 2/3.
            RankFigures figures = Simulated(new Truth(Agreement: truth, Spread: 0.01, Noise: 0.01), 40, 2, seed: trial);
            rho += figures.Rho.Value / trials;
            explained += figures.Explained!.Value.Value / trials;
            Assert.Equal(Math.Sqrt(figures.Agreement!.OfMean), figures.Ceiling);
            if (figures.Explained is { } e && e.Low <= truth && truth <= e.High) inside++;
        }
        // The correlation is 0.8 * sqrt(2/3) = 0.65, and rho a little less; its mean over the trials has a deviation of 0.03. That of
        // what is explained has one of about 0.05.
        Assert.InRange(rho, 0.63 - 0.1, 0.63 + 0.1);
        Assert.InRange(explained, truth - 0.15, truth + 0.15);
        Assert.InRange(inside, trials - 2, trials);
    }

    [Fact]
    public void Scores_that_follow_a_truth_with_real_spread_are_trusted()
    {
        foreach (int repeats in new[] { 1, 3 })
        {
            RankFigures figures = Simulated(new Truth(Agreement: 0.95, Spread: 0.02, Noise: 0.004), 30, repeats);
            RankVerdict verdict = RankVerdict.Of(figures);
            Assert.Equal(Trust.Yes, verdict.Trust);
            Assert.StartsWith("the search can be trusted: ", verdict.ToString(), StringComparison.Ordinal);
            Assert.Equal([1, 3, 5], figures.Regrets.Select(r => r.Top));
            Assert.Equal(repeats > 1, figures.Agreement != null);
            Assert.Equal(repeats > 1, figures.Explained != null);
        }
    }

    [Fact]
    public void Scores_that_tell_nothing_but_FLOPs_are_not()
    {
        // The truth is FLOPs with a little of its own, and the scores are FLOPs with noise of theirs.
        var random = new CounterRandom(4, RandomPurpose.Drawing, 0);
        double[] flops = [.. Enumerable.Range(0, 30).Select(i => 100.0 + 3 * i)];
        double[] scores = [.. flops.Select(f => f / 400 + 0.03 * random.NextNormal())];
        double[][] trainings = [.. flops.Select(f => new[] { f / 400 + 0.03 * random.NextNormal() })];
        RankFigures figures = RankFigures.Of(scores, flops, trainings, new CostParts(100, 190, 3), 1);
        Assert.True(figures.Tau.Low > 0.3);
        Assert.True(figures.FlopsTau.Value > figures.Tau.Value);
        Assert.InRange(figures.TauWithinParts!.Value.Value, -1, figures.Tau.Value);
        AssertSays(Trust.No, "no more than FLOPs alone", figures);
        // As scores, FLOPs themselves leave nothing to compare.
        RankFigures same = RankFigures.Of(flops, flops, trainings, OnePart, 1);
        Assert.Null(same.TauWithinParts);
        Assert.True(double.IsNaN(same.PartialTau.Value));
        AssertSays(Trust.No, "no more than FLOPs alone", same);
    }

    [Fact]
    public void Where_trainings_differ_as_much_as_architectures_nothing_can_be_explained()
    {
        const string none = "these architectures have no real spread", unshown = "what these architectures differ by may be the noise";
        // By chance some of these simulations show a reliability, but hardly one a spread, and none trust in the scores.
        int shown = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            RankFigures figures = Simulated(new Truth(Agreement: 1, Spread: 0, Noise: 0.01), 16, 3, seed);
            string? why = RankVerdict.WhyNothingIsExplained(figures);
            if (why == null) shown++;
            else Assert.Matches($"^({none}|{unshown})", why);
            if (figures.Ceiling < 0.3) AssertSays(Trust.No, $"nothing can be explained: {none}", figures);
            else if (why != null && figures.Tau.Low <= 0) AssertSays(Trust.Unknown, unshown, figures);
        }
        Assert.InRange(shown, 0, 3);
        Assert.Null(RankVerdict.WhyNothingIsExplained(Simulated(new Truth(Agreement: 0, Spread: 0.03, Noise: 0.01), 16, 3)));
        // Nobody knows it of one training.
        Assert.Equal(
            "trainings were not repeated",
            RankVerdict.WhyNothingIsExplained(Simulated(new Truth(Agreement: 1, Spread: 0, Noise: 0.01), 16, 1)));
        // All trainings come to the same.
        double[][] equal = [.. Enumerable.Repeat(new[] { 0.5, 0.5 }, 12)];
        RankFigures constant = RankFigures.Of([.. Numbers(12)], [.. Numbers(12)], equal, OnePart, 1);
        AssertSays(Trust.No, none, constant);
    }

    [Fact]
    public void The_verdict_names_what_is_wrong()
    {
        double[] up = [.. Numbers(12)], down = [.. up.Reverse()], flops = [5, 9, 1, 12, 3, 7, 10, 2, 8, 4, 11, 6];
        RankFigures Of(double[] scores, double[] costs) => RankFigures.Of(scores, costs, [.. up.Select(a => new[] { a / 20 })], OnePart, 1);
        Assert.Equal(Trust.Yes, RankVerdict.Of(Of(up, flops)).Trust);
        // All of the same FLOPs: there is nothing to beat.
        Assert.Equal(Trust.Yes, RankVerdict.Of(Of(up, new double[12])).Trust);
        AssertSays(Trust.No, "wrong way round", Of(down, flops));
        AssertSays(Trust.No, "may be chance", Of(flops, up));
        AssertSays(Trust.No, "same score", Of(new double[12], flops));
        RankFigures few = RankFigures.Of([1, 2, 3, 4], [1, 2, 3, 4], [[0.1], [0.2], [0.3], [0.4]], OnePart, 1);
        AssertSays(Trust.Unknown, "fewer than 10", few);
        Assert.Equal([1, 3], few.Regrets.Select(r => r.Top));

        RankFigures good = Of(up, flops);
        Estimate weak = new(0.4, 0.1, 0.6);
        AssertSays(Trust.Partly, "tau is below 0.5", good with { Tau = weak });
        AssertSays(Trust.Partly, "FLOPs alone order as well", good with { FlopsTau = new(1, 1, 1) });
        AssertSays(Trust.Partly, "at equal FLOPs the order may be chance", good with { PartialTau = new(0.1, -0.1, 0.3) });
        AssertSays(Trust.Partly, "the top 3 lose as much as a random 3", good with { Regrets = [new(1, 0, 0), new(3, 0.02, 0.02)] });
        var agreement = new Repeatability(0.9, 0.01, 0.03, 0.9, 0.95, 0.001);
        AssertSays(Trust.Partly, "less than 0.7 of what", good with { Agreement = agreement, Explained = weak });
        // With repeats it is what is explained that counts, not tau.
        Assert.Equal(Trust.Yes, RankVerdict.Of(good with { Tau = weak, Agreement = agreement, Explained = new(0.8, 0.5, 1) }).Trust);
        RankFigures unshown = good with { Agreement = agreement with { Chance = 0.06 }, Explained = weak };
        AssertSays(Trust.Unknown, "may be the noise of training", unshown with { Tau = new(0.4, 0, 0.7) });
        // What orders as scores do is no noise; and then tau counts, as there is no certain ceiling.
        Assert.Equal(Trust.Yes, RankVerdict.Of(unshown).Trust);
        AssertSays(Trust.No, "no real spread", good with { Agreement = agreement with { OfMean = 0.08 } });
    }

    private static IEnumerable<double> Numbers(int count) => Enumerable.Range(1, count).Select(i => (double)i);

    private static void AssertSays(Trust trust, string reason, RankFigures figures)
    {
        RankVerdict verdict = RankVerdict.Of(figures);
        Assert.Contains(reason, verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(trust, verdict.Trust);
    }

    private static RankFigures Simulated(Truth truth, int count, int repeats, int seed = 1)
    {
        var random = new CounterRandom((ulong)seed, RandomPurpose.Drawing, 7);
        double[] scores = new double[count], flops = new double[count];
        double[][] trainings = new double[count][];
        for (int i = 0; i < count; i++)
        {
            double worth = random.NextNormal();
            scores[i] = truth.Agreement * worth + Math.Sqrt(1 - truth.Agreement * truth.Agreement) * random.NextNormal();
            trainings[i] = [.. Enumerable.Range(0, repeats).Select(_ => 0.7 + truth.Spread * worth + truth.Noise * random.NextNormal())];
            flops[i] = 100 + 100 * random.NextUnit();
        }
        return RankFigures.Of(scores, flops, trainings, OnePart, 1);
    }

    // How scores correlate with what architectures are worth, and the deviations of that and of a training.
    private sealed record Truth(double Agreement, double Spread, double Noise);
}
