using System.Collections.Concurrent;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Space.Tests;

public sealed class EvolutionSearchTests
{
    private static readonly CostTable Flops = NetworkFlops.Of(new NetworkSpec());

    [Fact]
    public void It_climbs_never_scores_twice_and_keeps_the_limit()
    {
        var options = new EvolutionOptions { Seed = 1 };
        List<Candidate> scored = [];
        Candidate best = Search(options).Run([Score], scored.Add, _ => { }, CancellationToken.None);
        Assert.Equal(1000, scored.Count);
        Assert.Equal(1000, scored.Select(c => c.Path).Distinct().Count());
        Assert.All(scored, c => Assert.InRange(c.Flops, 0, 330e6));
        Assert.Equal(scored.Max(c => c.Top1), best.Top1);
        // Random search of the same budget reaches about half of the way from the mean.
        Assert.True(best.Top1 > scored.Where(c => c.Generation == 0).Max(c => c.Top1) + 0.15);
    }

    [Fact]
    public void The_same_seed_and_scores_give_the_same_search()
    {
        var options = new EvolutionOptions { MaxEpochs = 4, Seed = 2 };
        List<Candidate> first = [], second = [];
        Search(options).Run([Score], first.Add, _ => { }, CancellationToken.None);
        Search(options).Run([Score], second.Add, _ => { }, CancellationToken.None);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Several_candidates_at_once_give_the_same_search()
    {
        var options = new EvolutionOptions { MaxEpochs = 4, Seed = 2 };
        EvolutionSearch one = Search(options), four = Search(options);
        one.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        int reported = 0, random = 0;
        double Slow(Architecture path)
        {
            Thread.SpinWait(Interlocked.Increment(ref random) * 7919 % 5000);
            return Score(path);
        }
        four.Run([Slow, Slow, Slow, Slow], _ => Assert.Equal(++reported, four.Candidates.Count), _ => { }, CancellationToken.None);
        Assert.Equal(200, reported);
        Assert.Equal(one.Candidates, four.Candidates);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Groups_that_are_smaller_than_a_generation_are_of_neighbours_and_give_the_same_search(int scorers)
    {
        var options = new EvolutionOptions { MaxEpochs = 4, Seed = 2 };
        EvolutionSearch one = Search(options), grouped = Search(options);
        one.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        var taken = new ConcurrentQueue<IReadOnlyList<Architecture>>();
        grouped.Run([.. Enumerable.Range(0, scorers).Select(_ => new ByNine(taken))], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(one.Candidates, grouped.Candidates);
        Assert.Equal(200, taken.Sum(group => group.Count));
        Assert.All(taken, group => Assert.InRange(group.Count, 1, 9));
        if (scorers > 1) return;

        // As proposed, few parts run once for several paths; by neighbours nearly as few run as of the whole generation together.
        int[] generations = [.. one.Candidates.Select(c => c.Generation).Distinct()];
        Architecture[][] whole = [.. generations.Select(g => one.Candidates.Where(c => c.Generation == g).Select(c => c.Path).ToArray())];
        int least = whole.Sum(Parts), asProposed = whole.Sum(paths => paths.Chunk(9).Sum(Parts)), parts = taken.Sum(Parts);
        // Each of the six groups of a generation begins anew: it repeats no more than what its first path has in common with others.
        Assert.InRange(parts, least, least + 5 * generations.Length * Flops.Space.Blocks.Length);
        Assert.True(asProposed - parts > (asProposed - least) / 2, $"{asProposed}, {parts} and {least}");
    }

    [Fact]
    public void A_scorer_that_fails_ends_the_search()
    {
        int count = 0;
        double Fail(Architecture path) => Interlocked.Increment(ref count) == 30 ? throw new InvalidDataException("no more") : Score(path);
        EvolutionSearch search = Search(new EvolutionOptions());
        Assert.Equal(
            "no more",
            Assert.Throws<InvalidDataException>(() => search.Run([Fail, Fail], _ => { }, _ => { }, CancellationToken.None)).Message);
        // The other scorer may have gone on to the end of the generation, and no further.
        Assert.InRange(search.Candidates.Count, 29, 49);
    }

    [Fact]
    public void Random_search_begins_alike_and_stays_behind()
    {
        EvolutionSearch evolved = Search(new EvolutionOptions { Seed = 5 }),
            random = Search(new EvolutionOptions { Seed = 5, Strategy = SearchStrategy.Random });
        List<int> generations = [];
        Candidate best = evolved.Run([Score], _ => { }, generations.Add, CancellationToken.None),
            other = random.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 20), generations);
        Assert.Equal(evolved.Candidates.Take(50), random.Candidates.Take(50));
        Assert.Equal(1000, random.Candidates.Select(c => c.Path).Distinct().Count());
        Assert.True(best.Top1 > other.Top1 + 0.1, $"{best.Top1} and {other.Top1}");
    }

    [Fact]
    public void All_candidates_keep_all_limits()
    {
        CostTable parameters = NetworkParameters.Of(new NetworkSpec());
        var limits = new CostLimits([new(Flops, 300e6, 330e6), new(parameters, 3.2e6, 3.4e6)]);
        var search = new EvolutionSearch(Flops, new LimitedSampler(limits), new EvolutionOptions { Seed = 1 });
        search.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(1000, search.Candidates.Count);
        Assert.All(search.Candidates, c =>
        {
            Assert.InRange(Flops.Of(c.Path), 300e6, 330e6);
            Assert.InRange(parameters.Of(c.Path), 3.2e6, 3.4e6);
        });
    }

    [Fact]
    public void Without_a_path_within_the_limits_it_says_so()
    {
        var search = new EvolutionSearch(Flops, AtMost(Flops, 100e6), new EvolutionOptions());
        Assert.Equal(
            "No path has at most 100M FLOPs: this network's have 270.359M to 398.609M FLOPs.",
            Assert.Throws<ArgumentException>(() => search.Run([Score], _ => { }, _ => { }, CancellationToken.None)).Message);
    }

    [Theory]
    [InlineData(37)]
    [InlineData(120)]
    public void It_ends_after_the_most_candidates(int most)
    {
        EvolutionSearch search = Search(new EvolutionOptions { MaxTrials = most });
        search.Run([Score], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(most, search.Candidates.Count);
    }

    [Fact]
    public void A_small_space_ends_with_fewer_candidates()
    {
        var spec = new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 };
        var flops = NetworkFlops.Of(spec);
        var search = new EvolutionSearch(flops, Any(flops), new EvolutionOptions());
        search.Run([p => p.Blocks[0]], _ => { }, _ => { }, CancellationToken.None);
        Assert.InRange(search.Candidates.Count, 200, 256);
    }

    // The beginnings of paths, each once.
    private static int Parts(IEnumerable<Architecture> paths) => paths
        .SelectMany(path => Enumerable.Range(1, path.Blocks.Length).Select(length => string.Join(' ', path.Blocks.Take(length))))
        .Distinct().Count();

    private static EvolutionSearch Search(EvolutionOptions options) => new(Flops, AtMost(Flops, 330e6), options);

    private static LimitedSampler AtMost(CostTable costs, double most) => new(new CostLimits([CostLimit.AtMost(costs, most)]));

    private static LimitedSampler Any(CostTable costs) => AtMost(costs, double.MaxValue);

    // The share of blocks that match a hidden path.
    private static double Score(Architecture path) => path.Blocks.Select((choice, i) => choice == i * 7 % 3 ? 1.0 : 0).Average();

    private sealed class ByNine(ConcurrentQueue<IReadOnlyList<Architecture>> taken) : IPathScorer
    {
        public int Room => 9;

        public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths)
        {
            taken.Enqueue(paths);
            return [.. paths.Select(EvolutionSearchTests.Score)];
        }
    }
}
