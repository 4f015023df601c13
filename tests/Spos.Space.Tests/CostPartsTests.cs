using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Space.Tests;

public sealed class CostPartsTests
{
    private static readonly CostTable Flops =
        NetworkFlops.Of(new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 });

    private static readonly LimitedSampler Sampler = Within(Flops, Flops.Most);

    [Fact]
    public void Each_part_gives_as_many_different_paths()
    {
        var parts = new CostParts(Flops.Least, Flops.Most, 5);
        IReadOnlyList<Architecture> drawn = parts.Draw(Sampler, Flops, NewRandom(), 20);
        Assert.Equal(20, drawn.Distinct().Count());
        Assert.Equal([4, 4, 4, 4, 4], CountsOf(drawn, parts));
        // The cheapest parts give one more.
        Assert.Equal([3, 3, 2, 2, 2], CountsOf(parts.Draw(Sampler, Flops, NewRandom(), 12), parts));
    }

    [Fact]
    public void A_part_that_has_too_few_leaves_its_share_to_the_others()
    {
        var parts = new CostParts(Flops.Least, Flops.Most, 6);
        int[] paths = [.. new PathSampler(Flops).CountBins(Flops.Least, Flops.Most, 6).Select(n => (int)n)];
        IReadOnlyList<Architecture> all = parts.Draw(Sampler, Flops, NewRandom(), 300);
        Assert.Equal(256, all.Distinct().Count());
        Assert.Equal(256, all.Count);
        Assert.Equal(paths, CountsOf(all, parts));
        int least = paths.Min();
        int[] counts = CountsOf(parts.Draw(Sampler, Flops, NewRandom(), 6 * (least + 2)), parts);
        Assert.Equal(least, counts[Array.IndexOf(paths, least)]);
        Assert.Equal(6 * (least + 2), counts.Sum());
    }

    [Fact]
    public void One_part_is_all_paths_alike()
    {
        CounterRandom random = NewRandom();
        var sampler = new PathSampler(Flops);
        double limit = (Flops.Least + Flops.Most) / 2.0;
        var expected = new List<Architecture>();
        while (expected.Count < 30)
        {
            Architecture path = sampler.Within(random, 0, limit);
            if (!expected.Contains(path)) expected.Add(path);
        }
        Assert.Equal(expected, new CostParts(Flops.Least, limit, 1).Draw(Within(Flops, limit), Flops, NewRandom(), 30));
    }

    [Fact]
    public void Edges_belong_to_the_part_above_and_the_last_one_to_the_part_below()
    {
        var parts = new CostParts(0, 10, 2);
        Assert.Equal([0, 0, 1, 1], new[] { 0, 4.9, 5, 10 }.Select(parts.Of));
        // A path at the edge is drawn as one of the part above alone.
        var space = new SearchSpace([[new("a"), new("b"), new("c")]]);
        var costs = new CostTable(space, 0, [[0, 5, 10]]);
        for (ulong seed = 0; seed < 20; seed++)
        {
            Assert.Equal("0", $"{parts.Draw(Within(costs, 10), costs, new CounterRandom(seed, RandomPurpose.Search, 0), 2)[0]}");
        }
        // A range of one cost.
        var point = new CostParts(Flops.Least, Flops.Least, 3);
        Architecture cheapest = Assert.Single(point.Draw(Sampler, Flops, NewRandom(), 5));
        Assert.Equal(Flops.Least, Flops.Of(cheapest));
    }

    private static LimitedSampler Within(CostTable costs, double most) => new(new CostLimits([CostLimit.AtMost(costs, most)]));

    private static CounterRandom NewRandom() => new(1, RandomPurpose.Search, 0);

    private static int[] CountsOf(IReadOnlyList<Architecture> drawn, CostParts parts) =>
        [.. Enumerable.Range(0, parts.Count).Select(part => drawn.Count(path => parts.Of(Flops.Of(path)) == part))];
}
