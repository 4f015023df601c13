using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space.Tests;

/// <summary>A space whose blocks are left with some of their alternatives: nothing else is ever drawn, proposed or counted.</summary>
public sealed class ShrunkSpaceTests
{
    private static readonly SearchSpace Whole = new(Enumerable.Range(0, 4).Select(_ => OfNumber(4)));
    private static readonly SearchSpace Left = Whole.With([[1, 3], [2], [0, 1, 3], [0, 2, 3]]);

    // Several paths have the same cost, and the cheapest and the dearest alternatives are left out.
    private static readonly CostTable Costs =
        new CostTable(Whole, 100, [[0, 30, 90, 60], [9, 3, 6, 99], [12, 15, 0, 18], [60, 0, 45, 30]]).In(Left);

    private static readonly Architecture[] All =
    [
        .. from a in Left.Choices[0]
           from b in Left.Choices[1]
           from c in Left.Choices[2]
           from d in Left.Choices[3]
           select new Architecture([a, b, c, d]),
    ];

    private static readonly SearchSpace Scaled =
        new SearchSpace(Enumerable.Range(0, 3).Select(_ => OfNumberAndChannels(24)), hasScales: true)
            .With([[0, 2], [1, 2], [0, 1]], [[1, 4], [0, 1, 2], [6, 7]]);

    [Fact]
    public void It_knows_what_is_left_of_it()
    {
        Assert.True(Whole.IsWhole && Whole.Left.Length == 0 && !Left.IsWhole);
        Assert.Equal("1 3 | 2 | 0 1 3 | 0 2 3", Left.Left);
        Assert.Equal("0 2 / 1 4 | 1 2 / 0 1 2 | 0 1 / 6 7", Scaled.Left);
        Assert.Equal([1, 4, 17, 20], Scaled.Choices[0].AsEnumerable());
        Assert.Equal(Left.Left, Whole.With(Left.Left).Left);
        Assert.Equal(Scaled.Left, Scaled.With("").With(Scaled.Left).Left);
        Assert.True(Left.With("").IsWhole);
        Assert.Equal((BigInteger)All.Length, Left.Size);
        Assert.Equal((BigInteger)(4 * 6 * 4), Scaled.Size);
        Assert.Equal((1, 2), (Left.MostDisjoint, Scaled.MostDisjoint));
        Assert.Equal([0, 3], Whole.With([[0, 2, 3], [0, 3], [0, 1, 3], [0, 3]]).Alike.AsEnumerable());
        Assert.True(Whole.Holds(Left) && !Left.Holds(Whole) && Left.Holds(Left));
        Assert.Equal(4, Left.OperationsOf(1));
        Assert.Equal(
            "chooses 0 in block 0; the space is left with 1, 3 there", Left.FaultOf(Architecture.Parse("0 2 0 0")));
        Assert.Equal(
            "has the channel scale 2 in block 0; the space is left with 1, 4 there", Scaled.FaultOf(Architecture.Parse("0 1 0 / 2 0 6")));
        Assert.All(All, path => Assert.Null(Left.FaultOf(path)));
    }

    [Fact]
    public void A_block_without_alternatives_and_others_that_are_not_there_are_refused_by_the_block()
    {
        void Refused(string told, Func<SearchSpace> make) =>
            Assert.Contains(told, Assert.Throws<FormatException>(make).Message, StringComparison.Ordinal);
        Refused("block 2 is left without any operation", () => Whole.With([[0], [1], [], [0]]));
        Refused("block 1 is left without any channel scale", () => Scaled.With([[0], [1], [2]], [[0], [], [1]]));
        Refused("block 3 has no operation 4: 0 to 3", () => Whole.With([[0], [1], [2], [4]]));
        Refused("block 0 has no channel scale 8: 0 to 7", () => Scaled.With("0 / 8 | 0 / 0 | 0 / 0"));
        Refused("3 blocks: the network has 4", () => Whole.With("0 | 1 | 2"));
        Refused("block 1 is left without", () => Whole.With("0 | | 2 | 3"));
        Refused("'x' is not the number", () => Whole.With("0 | x | 2 | 3"));
        Refused("are no alternatives of a block", () => Whole.With("0 / 1 | 1 | 2 | 3"));
        Refused("are no alternatives of a block", () => Scaled.With("0 | 1 | 2"));
    }

    [Fact]
    public void Costs_are_those_of_what_is_left()
    {
        Assert.Equal(All.Min(Costs.Of), Costs.Least);
        Assert.Equal(All.Max(Costs.Of), Costs.Most);
        Assert.Equal(All.Average(Costs.Of), Costs.Mean, 9);
        // What is left out still has a price.
        Assert.Equal(100 + 0 + 9 + 0 + 0, Costs.Of(Architecture.Parse("0 0 2 1")));
        var sandwich = new SandwichRule(Costs);
        Assert.Equal((Costs.Most, Costs.Least), (Costs.Of(sandwich.Widest), Costs.Of(sandwich.Narrowest())));
        Assert.All([sandwich.Widest, sandwich.Narrowest()], path => Assert.Contains(path, All));
    }

    [Theory]
    [InlineData("uniform")]
    [InlineData("within")]
    [InlineData("limited below")]
    [InlineData("two limits")]
    public void Paths_are_drawn_of_what_is_left_each_as_likely(string how)
    {
        const int draws = 40_000;
        var random = new CounterRandom(11, RandomPurpose.Paths, 0);
        var parameters = new CostTable(Whole, 5, Whole.Blocks.Select(block => block.Select((_, c) => 7L * c)), CostMeasure.Parameters);
        CostLimits limits = how == "two limits"
            ? new([CostLimit.AtMost(Costs, 230), CostLimit.AtMost(parameters.In(Left), 60)])
            : new([new CostLimit(Costs, 160, 230)]);
        var window = new PathSampler(Costs);
        var limited = new LimitedSampler(limits);
        Func<Architecture> draw = how switch
        {
            "uniform" => () => window.Uniform(random),
            "within" => () => window.Within(random, 160, 230),
            _ => () => limited.Draw(random),
        };
        Architecture[] possible = [.. All.Where(path => how == "uniform" || limits.Hold(path))];
        Assert.InRange(possible.Length, 5, how == "uniform" ? All.Length : All.Length - 1);
        ILookup<Architecture, Architecture> seen = Enumerable.Range(0, draws).Select(_ => draw()).ToLookup(path => path);
        Assert.Equal(possible.ToHashSet(), seen.Select(group => group.Key).ToHashSet());
        // Chi-square within five deviations.
        double expected = draws / (double)possible.Length;
        double chi = possible.Sum(path => Math.Pow(seen[path].Count() - expected, 2) / expected);
        Assert.InRange(chi, 0, possible.Length - 1 + 5 * Math.Sqrt(2.0 * possible.Length));
    }

    [Fact]
    public void A_limit_that_nothing_left_keeps_is_told_of_with_what_can_be_had()
    {
        var none = new LimitedSampler(new CostLimits([CostLimit.AtMost(Costs, Costs.Least - 1)]));
        string told = Assert.Throws<ArgumentException>(() => none.Draw(new CounterRandom(1, RandomPurpose.Paths, 0))).Message;
        Assert.EndsWith($"this network's have {Costs.Measure.TextOf(Costs.Least, Costs.Most)}.", told, StringComparison.Ordinal);
        // Of the whole space there are some.
        CostTable whole = Costs.In(Whole);
        var some = new LimitedSampler(new CostLimits([CostLimit.AtMost(whole, Costs.Least - 1)]));
        Assert.NotNull(some.TryDraw(new CounterRandom(1, RandomPurpose.Paths, 0)));
        Assert.Throws<ArgumentException>(() => new CostLimits([CostLimit.AtMost(whole, 1), CostLimit.AtMost(Costs, 1)]));
    }

    [Fact]
    public void Disjoint_paths_take_what_is_left_once_each()
    {
        var sampler = new PathSampler(new CostTable(Scaled, 5, Scaled.Blocks.Select(block => block.Select((_, choice) => 3L * choice))));
        var random = new CounterRandom(2, RandomPurpose.Paths, 0);
        var seen = new HashSet<Architecture>();
        for (int i = 0; i < 200; i++)
        {
            Architecture[] paths = sampler.Disjoint(random, 2);
            Assert.All(paths, path => Assert.Null(Scaled.FaultOf(path)));
            Assert.All(Enumerable.Range(0, 3), b => Assert.NotEqual(paths[0].Operations[b], paths[1].Operations[b]));
            Assert.All(Enumerable.Range(0, 3), b => Assert.NotEqual(paths[0].Scales[b], paths[1].Scales[b]));
            seen.UnionWith(paths);
        }
        Assert.Equal(Scaled.Size, seen.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Disjoint(random, 3));
    }

    [Fact]
    public void Scales_are_let_in_from_the_widest_that_is_left()
    {
        Assert.Equal("2", string.Join(' ', Scaled.WidestScalesOf(1, 1)));
        Assert.Equal("1 2", string.Join(' ', Scaled.WidestScalesOf(1, 2)));
        Assert.Equal("0 1 2", string.Join(' ', Scaled.WidestScalesOf(1, 5)));
        Assert.Equal("4 20", string.Join(' ', Scaled.WidestOf(0, 1)));
        Assert.Equal("1 3", string.Join(' ', Left.WidestOf(0, 1)));
    }

    [Theory]
    [InlineData(SearchStrategy.Evolution, null)]
    [InlineData(SearchStrategy.Evolution, PredictorKind.Ridge)]
    [InlineData(SearchStrategy.Nsga2, null)]
    [InlineData(SearchStrategy.Nsga2, PredictorKind.Ridge)]
    [InlineData(SearchStrategy.Random, null)]
    public void No_search_proposes_what_is_left_out(SearchStrategy strategy, PredictorKind? predictor)
    {
        var costs = new CostTable(Scaled, 5, Scaled.Blocks.Select(block => block.Select((_, choice) => 3L * choice)));
        var search = new EvolutionSearch(
            costs, new LimitedSampler(new CostLimits([CostLimit.AtMost(costs, costs.Most)])),
            new EvolutionOptions
            {
                Strategy = strategy,
                Predictor = predictor,
                MutationProbability = 0.5f,
                NumPopulation = 12,
                NumSelect = 4,
                NumMutation = 6,
                NumCrossover = 5,
                Seed = 3,
            });
        // The best would be left out.
        search.Run([path => path.Blocks.Sum(choice => choice % 8 == 5 ? 1 : choice / 100.0)], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(Scaled.Size, search.Candidates.Count);
        Assert.All(search.Candidates, candidate => Assert.Null(Scaled.FaultOf(candidate.Path)));
    }

    // In narrow networks the lowest scales come to as many channels.
    [Fact]
    public void Of_scales_with_as_many_channels_the_first_are_left()
    {
        int[] channels = [2, 2, 2, 3, 4, 5, 5, 6];
        var narrow = new SearchSpace(
            [[.. Enumerable.Range(0, 16).Select(i => new Alternative($"{i}", channels[i % 8]))]], hasScales: true);
        Assert.Equal("0 1 / 0 3 5", narrow.With([[0, 1]], [[2, 3, 6]]).Left);
        Assert.Equal("0 1 / 0 1 5 6", narrow.With([[0, 1]], [[6, 5, 2, 1]]).Left);
        Assert.Equal("0 / 0 1 2 7", narrow.With("0 / 0 1 2 7").Left);
        Assert.True(narrow.With([[0, 1]], [[0, 1, 2, 3, 4, 5, 6, 7]]).IsWhole);
    }

    private static ImmutableArray<Alternative> OfNumber(int count) => [.. Enumerable.Range(0, count).Select(i => new Alternative($"{i}"))];

    private static ImmutableArray<Alternative> OfNumberAndChannels(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new Alternative($"{i}", 1 + i % ChannelScales.Count))];
}
