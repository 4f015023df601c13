using Spos.Engine.Supernet;

namespace Spos.Space.Tests;

/// <summary>Searches in which a predictor chooses what is scored.</summary>
public sealed class PredictedSearchTests
{
    private static readonly CostTable Flops = NetworkFlops.Of(new NetworkSpec());
    private static readonly EvolutionOptions Predicted = new() { MaxEpochs = 6, Predictor = PredictorKind.Ridge, Seed = 1 };

    [Theory]
    [InlineData(SearchStrategy.Evolution)]
    [InlineData(SearchStrategy.Nsga2)]
    public void Every_candidate_is_scored_once_and_keeps_the_limit(SearchStrategy strategy)
    {
        List<Architecture> scored = [];
        double Count(Architecture path)
        {
            scored.Add(path);
            return Score(path);
        }
        EvolutionSearch search = Search(Predicted with { Strategy = strategy });
        search.Run([Count], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(300, search.Candidates.Count);
        Assert.Equal(scored, search.Candidates.Select(c => c.Path));
        Assert.Equal(300, scored.Distinct().Count());
        Assert.All(search.Candidates, c => Assert.Equal(Score(c.Path), c.Top1));
        Assert.All(search.Candidates, c => Assert.True(c.Flops <= 330e6));
    }

    [Theory]
    [InlineData(SearchStrategy.Evolution)]
    [InlineData(SearchStrategy.Nsga2)]
    public void The_same_scores_give_the_same_search_however_many_are_scored_at_once(SearchStrategy strategy)
    {
        EvolutionSearch one = Run(Predicted with { Strategy = strategy }), again = Search(Predicted with { Strategy = strategy });
        again.Run([Score, Score, Score], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(one.Candidates, again.Candidates);
        Assert.Equal(one.Predictions, again.Predictions);
    }

    [Fact]
    public void It_begins_as_a_search_without_a_predictor_and_comes_farther()
    {
        foreach (ulong seed in new ulong[] { 1, 2, 3 })
        {
            EvolutionSearch with = Run(Predicted with { Seed = seed }), without = Run(Predicted with { Seed = seed, Predictor = null });
            Assert.Equal(without.Candidates.Take(50), with.Candidates.Take(50));
            Assert.Empty(without.Predictions);
            Assert.True(with.Best(1)[0].Top1 > without.Best(1)[0].Top1, $"{with.Best(1)[0]} and {without.Best(1)[0]}");
        }
    }

    [Fact]
    public void From_a_pool_of_as_many_as_are_scored_all_are_taken()
    {
        EvolutionSearch pool = Run(Predicted with { PredictorPool = 1, MaxEpochs = 2 }),
            plain = Run(Predicted with { Predictor = null, MaxEpochs = 2 });
        Assert.Equal(Paths(plain), Paths(pool));
        Assert.NotEqual(Paths(plain), Paths(Run(Predicted with { PredictorPool = 2, MaxEpochs = 2 })));

        static IEnumerable<string> Paths(EvolutionSearch search) => search.Candidates.Select(c => $"{c.Path}").Order();
    }

    [Fact]
    public void What_is_expected_to_be_best_of_a_pool_is_scored_first()
    {
        EvolutionSearch search = Run(Predicted with { MaxEpochs = 2 });
        Candidate[] first = [.. search.Candidates.Take(50)], second = [.. search.Candidates.Skip(50)];
        RidgePredictor predictor = RidgePredictor.Fit(Flops.Space, [Flops], first);
        double[] predicted = [.. second.Select(c => predictor.Of(c.Path))];
        Assert.Equal(predicted[..25].OrderDescending(), predicted[..25]);
        Assert.Equal(predicted[25..].OrderDescending(), predicted[25..]);
        Assert.True(predicted.Min() > first.Average(c => predictor.Of(c.Path)));
    }

    [Fact]
    public void Of_a_front_the_predictions_are_spread_over_the_costs()
    {
        EvolutionSearch search = Run(Predicted with { Strategy = SearchStrategy.Nsga2, MaxEpochs = 2 }, double.MaxValue);
        Candidate[] first = [.. search.Candidates.Take(50)], mutated = [.. search.Candidates.Skip(50).Take(25)];
        RidgePredictor predictor = RidgePredictor.Fit(Flops.Space, [Flops], first);
        double[][] points = [.. mutated.Select(c => new[] { -predictor.Of(c.Path), c.Flops })];
        int[] ranks = ParetoFront.Ranks(points);
        Assert.Equal(ranks.Order(), ranks);
        // Those of the best predictions alone would have much the same FLOPs.
        Assert.True(mutated.Max(c => c.Flops) - mutated.Min(c => c.Flops) > 0.3 * (Flops.Most - Flops.Least));
    }

    [Fact]
    public void Each_generation_tells_how_well_it_was_predicted()
    {
        EvolutionSearch search = Run(Predicted);
        Assert.Equal(Enumerable.Range(1, 5), search.Predictions.Select(one => one.Generation));
        Assert.Equal(Enumerable.Range(1, 5).Select(generation => 50 * generation), search.Predictions.Select(one => one.Learned));
        foreach (PredictedGeneration one in search.Predictions)
        {
            RidgePredictor predictor = RidgePredictor.Fit(Flops.Space, [Flops], [.. search.Candidates.Take(one.Learned)]);
            Candidate[] scored = [.. search.Candidates.Where(c => c.Generation == one.Generation)];
            Assert.Equal(one.Candidates, scored.Length);
            Assert.Equal(
                RankStatistics.KendallTau([.. scored.Select(c => predictor.Of(c.Path))], [.. scored.Select(c => c.Top1)]), one.KendallTau);
        }
        Assert.True(search.Predictions[0].KendallTau > 0.3, $"{search.Predictions[0]}");
    }

    [Fact]
    public void Of_few_scores_nothing_is_predicted()
    {
        EvolutionOptions few = Predicted with { NumPopulation = 4, NumSelect = 2, NumMutation = 2, NumCrossover = 2, MaxEpochs = 5 };
        Assert.Equal([3, 4], Run(few).Predictions.Select(one => one.Generation));
        Assert.Equal(Run(few with { Predictor = null }).Candidates.Take(12), Run(few).Candidates.Take(12));
    }

    [Fact]
    public void A_small_space_is_searched_to_its_end()
    {
        var spec = new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 };
        var flops = NetworkFlops.Of(spec);
        var search = new EvolutionSearch(flops, AtMost(flops, double.MaxValue), new EvolutionOptions { Predictor = PredictorKind.Ridge });
        search.Run([p => p.Blocks[0]], _ => { }, _ => { }, CancellationToken.None);
        Assert.InRange(search.Candidates.Count, 200, 256);
        Assert.Equal(search.Candidates.Count, search.Candidates.Select(c => c.Path).Distinct().Count());
    }

    [Fact]
    public void What_makes_no_search_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Search(Predicted with { Strategy = SearchStrategy.Random }));
        Assert.Throws<ArgumentException>(() => Search(Predicted with { PredictorPool = 0 }));
    }

    private static EvolutionSearch Run(EvolutionOptions options, double most = 330e6)
    {
        EvolutionSearch search = Search(options, most);
        search.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        return search;
    }

    private static EvolutionSearch Search(EvolutionOptions options, double most = 330e6) => new(Flops, AtMost(Flops, most), options);

    private static LimitedSampler AtMost(CostTable costs, double most) => new(new CostLimits([CostLimit.AtMost(costs, most)]));

    // Nearly a sum: what blocks are worth, more with more FLOPs, and a little for pairs of neighbours.
    private static double Score(Architecture path)
    {
        double sum = path.Blocks.Select((choice, i) => (choice * (i + 2) * 3 + i) % 7 / 100.0).Sum() + Flops.Of(path) / 1e9;
        return sum + path.Blocks.Zip(path.Blocks.Skip(1), (one, next) => one == next ? 0.01 : 0).Sum();
    }
}
