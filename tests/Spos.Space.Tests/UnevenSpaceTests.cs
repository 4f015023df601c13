using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space.Tests;

/// <summary>A space whose blocks have different numbers of alternatives, one of them a single one.</summary>
public sealed class UnevenSpaceTests
{
    private static readonly int[] Alternatives = [2, 3, 1, 5];
    private static readonly SearchSpace Space = new(Alternatives.Select(OfNumber));

    // Costs have the common divisor 3, and two paths of equal cost.
    private static readonly CostTable Costs = new(Space, 100, [[0, 30], [9, 3, 6], [12], [60, 0, 3, 45, 21]]);

    private static readonly Architecture[] All =
    [
        .. from a in Enumerable.Range(0, 2)
           from b in Enumerable.Range(0, 3)
           from d in Enumerable.Range(0, 5)
           select new Architecture([a, b, 0, d]),
    ];

    [Fact]
    public void It_knows_its_size_and_what_is_in_it()
    {
        Assert.Equal((BigInteger)All.Length, Space.Size);
        Assert.Equal(1, Space.MostDisjoint);
        Assert.All(All, path => Assert.Null(Space.FaultOf(path)));
        Assert.Equal("has 3 blocks; the network has 4", Space.FaultOf(new Architecture([0, 0, 0])));
        Assert.Equal("chooses 1 in block 2; the choices there are 0 to 0", Space.FaultOf(new Architecture([1, 2, 1, 7])));
        Assert.Throws<ArgumentException>(() => new SearchSpace([]));
        Assert.Throws<ArgumentException>(() => new SearchSpace([[]]));
    }

    [Fact]
    public void Costs_add_up_and_are_of_their_space()
    {
        Assert.Equal(100 + 30 + 6 + 12 + 45, Costs.Of(new Architecture([1, 2, 0, 3])));
        Assert.Equal(All.Min(Costs.Of), Costs.Least);
        Assert.Equal(All.Max(Costs.Of), Costs.Most);
        Assert.Equal(All.Average(Costs.Of), Costs.Mean, 9);
        Assert.Throws<ArgumentException>(() => new CostTable(Space, 0, [[0, 1], [0, 1], [0], [0, 1, 2, 3, 4]]));
        Assert.Throws<ArgumentException>(() => new CostTable(Space, 0, [[0, 1], [0, 1, 2], [0]]));
    }

    [Fact]
    public void Windows_hold_what_they_say()
    {
        var sampler = new PathSampler(Costs);
        Assert.True(sampler.IsExact);
        var random = new CounterRandom(1, RandomPurpose.Paths, 0);
        foreach ((double low, double high) in new[] { (Costs.Least, Costs.Most), (130.0, 160.0), (All.Max(Costs.Of), 1e9) })
        {
            HashSet<Architecture> inside = [.. All.Where(path => Costs.Of(path) >= low && Costs.Of(path) <= high)];
            Assert.Equal(inside.Count, (int)sampler.CountBins(low, high, 3).Aggregate(BigInteger.Add));
            // Each of at most 30 paths is missed once in 10^14 times.
            Assert.Equal(inside, Enumerable.Range(0, 1000).Select(_ => sampler.Within(random, low, high)).ToHashSet());
        }
        Assert.Equal(All.Length, Enumerable.Range(0, 1000).Select(_ => sampler.Uniform(random)).ToHashSet().Count);
        Assert.Single(sampler.Disjoint(random, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Disjoint(random, 2));
    }

    [Fact]
    public void Evolution_finds_all_of_it_and_nothing_else()
    {
        var search = new EvolutionSearch(
            Costs, new LimitedSampler(new CostLimits([CostLimit.AtMost(Costs, 1e9)])),
            new EvolutionOptions { NumPopulation = 6, NumSelect = 3, NumMutation = 3, NumCrossover = 3, Seed = 3 });
        search.Run([path => path.Blocks[3] / 5.0], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(All.ToHashSet(), search.Candidates.Select(c => c.Path).ToHashSet());
    }

    private static ImmutableArray<Alternative> OfNumber(int count) => [.. Enumerable.Range(0, count).Select(i => new Alternative($"{i}"))];
}
