using System.Collections.Immutable;
using Spos.Engine.Supernet;

namespace Spos.Space.Tests;

/// <summary>Paths that keep limits of several costs, against all paths of small spaces.</summary>
public sealed class LimitedSamplerTests
{
    // Four alternatives in nine blocks: 262,144 paths, so that they are not listed but drawn, and drawn again.
    private static readonly SearchSpace Space = Of(9, 4);
    private static readonly CostTable[] Costs =
        [Rough(Space, 1, null), Rough(Space, 2, CostMeasure.Parameters), Rough(Space, 3, CostMeasure.Latency)];

    public static TheoryData<double[]> Windows =>
    [
        // The least and the most of each cost, as shares of its range.
        [0.3, 0.7],
        [0.45, 2],
        [-1, 0.5, -1, 2],
        [-1, 0.55, -1, 0.6],
        [0.4, 2, 0.42, 2],
        [0.3, 0.8, 0.4, 0.7],
        [0.3, 0.9, 0.2, 0.7, -1, 0.6],
    ];

    [Theory]
    [MemberData(nameof(Windows))]
    public void All_that_keep_the_limits_are_as_likely_and_no_others_are_drawn(double[] shares)
    {
        CostLimits limits = Limits(Costs, shares);
        int[] places = Places(Space, limits, out int inside);
        Assert.InRange(inside, 20_000, 250_000);
        var sampler = new LimitedSampler(limits);
        Assert.False(sampler.IsEmpty);
        var random = new CounterRandom(11, RandomPurpose.Paths, 0);
        int[] counts = new int[inside];
        int draws = 5 * inside;
        for (int i = 0; i < draws; i++)
        {
            Architecture path = sampler.Draw(random);
            int place = places[Number(path)];
            Assert.True(place >= 0, $"{path} does not keep {limits}");
            counts[place]++;
        }
        AssertUniform(counts, draws);
        // Nor is there more or less of those at the edges, where paths are drawn again.
        foreach (CostLimit limit in limits.All)
        {
            double middle = (Math.Max(limit.Low, limit.Table.Least) + Math.Min(limit.High, limit.Table.Most)) / 2;
            int[] halves = new int[2], drawn = new int[2];
            for (int i = 0; i < places.Length; i++)
            {
                if (places[i] < 0) continue;
                int half = limit.Table.Of(Path(Space, i)) < middle ? 0 : 1;
                halves[half]++;
                drawn[half] += counts[places[i]];
            }
            double share = halves[0] / (double)inside;
            Assert.Equal(draws * share, drawn[0], 5 * Math.Sqrt(draws * share * (1 - share)) + 1);
        }
    }

    // With few cells much is rounded; with as many as there are costs nothing is.
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(int.MaxValue)]
    public void The_counted_cells_hold_all_that_keep_a_limit(int cells)
    {
        SearchSpace space = Of(7, 4);
        CostTable costs = Rough(space, 17, null);
        foreach ((double low, double high) in new[] { (-1, 0.3), (0.3, 2), (0.2, 0.4), (0.6, 0.7), (-1, 2) })
        {
            CostLimit limit = Limits([costs], [low, high]).All[0];
            var axis = new CostAxis(limit);
            axis.Divide(cells);
            int missed = 0, others = 0;
            for (int i = 0; i < (int)space.Size; i++)
            {
                Architecture path = Path(space, i);
                int steps = path.Blocks.Select((choice, block) => axis.Steps[block][choice]).Sum();
                bool isCounted = steps >= axis.First && steps <= axis.Last, isInside = limit.Holds(path.Blocks.AsSpan());
                if (isInside && !isCounted) missed++;
                if (isCounted && !isInside) others++;
            }
            Assert.Equal(0, missed);
            if (cells == int.MaxValue) Assert.Equal(0, others);
        }
    }

    [Theory]
    [InlineData(0.0, 0.4, 0.0, 0.5)]
    [InlineData(0.2, 0.35, 0.7, 1.0)]
    [InlineData(0.9, 1.0, -1, 2)]
    public void A_few_paths_are_as_likely_too(double low, double high, double otherLow, double otherHigh)
    {
        SearchSpace space = Of(5, 3);
        CostTable[] costs = [Rough(space, 4, null), Rough(space, 5, CostMeasure.Parameters)];
        CostLimits limits = Limits(costs, [low, high, otherLow, otherHigh]);
        int[] places = Places(space, limits, out int inside);
        Assert.InRange(inside, 1, 100);
        var sampler = new LimitedSampler(limits);
        var random = new CounterRandom(12, RandomPurpose.Paths, 0);
        int[] counts = new int[inside];
        for (int i = 0; i < 200 * inside; i++) counts[places[Number(sampler.Draw(random), 3)]]++;
        AssertUniform(counts, 200 * inside);
    }

    [Fact]
    public void The_only_path_is_found_between_millions_of_others()
    {
        SearchSpace space = Of(12, 4);
        CostTable[] costs = [Rough(space, 6, null), Rough(space, 7, CostMeasure.Parameters)];
        Architecture cheapest = new(Enumerable.Range(0, 12).Select(b => costs[0].Of(b).ToArray().Index().MinBy(c => c.Item).Index));
        var limits = new CostLimits(
        [
            CostLimit.AtMost(costs[0], costs[0].Least), new(costs[1], costs[1].Of(cheapest), double.PositiveInfinity),
        ]);
        var random = new CounterRandom(13, RandomPurpose.Paths, 0);
        Assert.Equal(cheapest, new LimitedSampler(limits).Draw(random));

        var more = new CostLimit(costs[1], costs[1].Of(cheapest) + 1, double.PositiveInfinity);
        var sampler = new LimitedSampler(new CostLimits([limits.All[0], more]));
        Assert.True(sampler.IsEmpty);
        Assert.Null(sampler.TryDraw(random));
        string told = Assert.Throws<ArgumentException>(() => sampler.Draw(random)).Message;
        Assert.StartsWith("No path has at most ", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_that_contradict_each_other_are_known_to_have_no_path_or_are_given_up()
    {
        // One cost is a hundred times the other, so that both cannot be large and small.
        SearchSpace space = Of(20, 32);
        CostTable one = Rough(space, 8, null);
        var other = new CostTable(
            space, 100 * one.Fixed, Enumerable.Range(0, 20).Select(b => one.Of(b).ToArray().Select(cost => 100 * cost)),
            CostMeasure.Parameters);
        var random = new CounterRandom(14, RandomPurpose.Paths, 0);
        double middle = (one.Least + one.Most) / 2.0;
        var apart = new LimitedSampler(new CostLimits([CostLimit.AtMost(one, middle), new(other, 120 * middle, double.PositiveInfinity)]));
        Assert.True(apart.IsEmpty);
        Assert.Null(apart.TryDraw(random));

        // Too near for the grid to tell.
        var near = new LimitedSampler(
            new CostLimits([CostLimit.AtMost(one, middle), new(other, 100 * middle + 10, double.PositiveInfinity)]));
        Assert.False(near.IsEmpty);
        string told = Assert.Throws<ArgumentException>(() => near.Draw(random)).Message;
        Assert.StartsWith($"No path was found in {LimitedSampler.MostTries:N0} tries that has at most ", told, StringComparison.Ordinal);
        Assert.Contains($" and at least {100 * middle / 1e6:0.###}M parameters: this network's have ", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_between_the_costs_of_paths_are_empty()
    {
        var costs = new CostTable(Of(3, 2), 100, [[0, 10], [0, 20], [0, 40]]);
        foreach ((double low, double high) in new[] { (101.0, 109.0), (105.2, 105.8), (0, 99), (171, 1e9) })
        {
            Assert.True(new LimitedSampler(new CostLimits([new(costs, low, high)])).IsEmpty);
        }
        Assert.False(new LimitedSampler(new CostLimits([new(costs, 101, 110)])).IsEmpty);
    }

    [Theory]
    [InlineData(20, 32)]
    [InlineData(140, 2)]
    [InlineData(20, 100)]
    public void Large_spaces_repeat_themselves_and_keep_the_limits(int blocks, int alternatives)
    {
        SearchSpace space = Of(blocks, alternatives);
        CostTable[] costs = [Rough(space, 9, null), Rough(space, 10, CostMeasure.Parameters)];
        foreach (double[] shares in new double[][] { [0.45, 0.5], [-1, 0.45, -1, 0.48], [0.48, 0.52, 0.5, 0.55] })
        {
            CostLimits limits = Limits(costs, shares);
            (var one, var other) = (new LimitedSampler(limits), new LimitedSampler(limits));
            CounterRandom first = new(15, RandomPurpose.Paths, 0), second = new(15, RandomPurpose.Paths, 0);
            Architecture[] paths = [.. Enumerable.Range(0, 300).Select(_ => one.Draw(first))];
            Assert.All(paths, path => Assert.True(limits.Hold(path)));
            Assert.Equal(300, paths.Distinct().Count());
            Assert.Equal(paths, Enumerable.Range(0, 300).Select(_ => other.Draw(second)));
            // Where 32 alternatives are as good as each other, each turns up in each block.
            if (blocks == 20 && alternatives == 32) Assert.True(paths.Select(path => path.Blocks[7]).Distinct().Count() > 25);
        }
    }

    [Fact]
    public void An_upper_limit_alone_draws_what_a_window_does()
    {
        CostTable flops = NetworkFlops.Of(new NetworkSpec());
        var sampler = new LimitedSampler(new CostLimits([CostLimit.AtMost(flops, 330e6)]));
        var window = new PathSampler(flops);
        CounterRandom one = new(16, RandomPurpose.Paths, 0), other = new(16, RandomPurpose.Paths, 0);
        for (int i = 0; i < 100; i++) Assert.Equal(window.Within(one, 0, 330e6), sampler.Draw(other));
    }

    [Fact]
    public void What_is_no_limit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new CostLimits([]));
        Assert.Throws<ArgumentException>(() => new CostLimits([new(Costs[0], 2, 1)]));
        Assert.Throws<ArgumentException>(() => new CostLimits([new(Costs[0], double.NaN, 1)]));
        Assert.Throws<ArgumentException>(
            () => new CostLimits([CostLimit.AtMost(Costs[0], 1e9), CostLimit.AtMost(Rough(Of(9, 3), 1, null), 1e9)]));
    }

    [Fact]
    public void Limits_are_told_in_the_units_of_their_costs()
    {
        var table = new CostTable(Of(1, 2), 0, [[1_500_000, 2_000_000]]);
        CostTable times = new(table.Space, 0, [[1_500_000, 2_000_000]], CostMeasure.Latency),
            parameters = new(table.Space, 0, [[1_500_000, 2_000_000]], CostMeasure.Parameters);
        var limits = new CostLimits(
            [CostLimit.AtMost(table, 1.8e6), new(parameters, 1.6e6, double.PositiveInfinity), new(times, 1e6, 1.75e6)]);
        Assert.Equal("at most 1.8M FLOPs and at least 1.6M parameters and 1 ms to 1.75 ms of latency", $"{limits}");
        Assert.Equal("1.5M to 2M FLOPs and 1.5M to 2M parameters and 1.5 ms to 2 ms of latency", limits.Ranges);
    }

    [Theory]
    [InlineData(322_918_720, "322.919M FLOPs")]
    [InlineData(154_446, "0.154M FLOPs")]
    [InlineData(9_344, "0.00934M FLOPs")]
    [InlineData(1_000_000, "1M FLOPs")]
    [InlineData(0, "0M FLOPs")]
    public void Costs_are_told_with_the_digits_that_tell_them_apart(double cost, string text) =>
        Assert.Equal(text, CostMeasure.Flops.TextOf(cost));

    private static SearchSpace Of(int blocks, int alternatives) => new(Enumerable.Range(0, blocks).Select(_ =>
        Enumerable.Range(0, alternatives).Select(i => new Alternative($"{i}")).ToImmutableArray()));

    // Costs without a common divisor, that differ much from block to block.
    private static CostTable Rough(SearchSpace space, ulong seed, CostMeasure? measure)
    {
        var random = new CounterRandom(seed, RandomPurpose.Weights, 0);
        return new CostTable(
            space, 1_000_003, space.Blocks.Select((alternatives, block) =>
                alternatives.Select(_ => 100_000L + random.NextInt(300_000 + 200_000 * (block % 5))).ToArray()).ToArray(), measure);
    }

    private static CostLimits Limits(CostTable[] costs, double[] shares) => new(shares.Chunk(2).Select((pair, k) =>
    {
        double At(double share) => costs[k].Least + share * (costs[k].Most - costs[k].Least);
        return new CostLimit(
            costs[k], pair[0] < 0 ? double.NegativeInfinity : At(pair[0]), pair[1] > 1 ? double.PositiveInfinity : At(pair[1]));
    }));

    // The place of each path of the space among those that keep the limits; -1 for the others.
    private static int[] Places(SearchSpace space, CostLimits limits, out int inside)
    {
        int[] places = new int[(int)space.Size];
        inside = 0;
        for (int i = 0; i < places.Length; i++)
        {
            Architecture path = Path(space, i);
            places[i] = limits.All.All(limit => limit.Table.Of(path) >= limit.Low && limit.Table.Of(path) <= limit.High) ? inside++ : -1;
        }
        return places;
    }

    private static Architecture Path(SearchSpace space, int number)
    {
        int[] choices = new int[space.Blocks.Length];
        for (int b = choices.Length - 1; b >= 0; b--)
        {
            choices[b] = number % space.Blocks[b].Length;
            number /= space.Blocks[b].Length;
        }
        return new Architecture(choices);
    }

    private static int Number(Architecture path, int alternatives = 4) =>
        path.Blocks.Aggregate(0, (number, choice) => number * alternatives + choice);

    // Chi-square within five deviations.
    private static void AssertUniform(int[] counts, int draws)
    {
        double expected = draws / (double)counts.Length, chi = counts.Sum(c => (c - expected) * (c - expected) / expected);
        double deviation = 5 * Math.Sqrt(2.0 * counts.Length);
        Assert.InRange(chi, counts.Length - 1 - deviation, counts.Length - 1 + deviation);
    }
}
