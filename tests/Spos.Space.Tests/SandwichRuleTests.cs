using System.Collections.Immutable;

namespace Spos.Space.Tests;

/// <summary>The widest and the narrowest path of a space.</summary>
public sealed class SandwichRuleTests
{
    [Fact]
    public void The_widest_and_the_narrowest_path_cost_the_most_and_the_least()
    {
        CostTable costs = Costs([[3, 1, 2], [5, 9], [4, 7, 0, 7], [6]], hasScales: false);
        var rule = new SandwichRule(costs);
        Assert.Equal(Architecture.Parse("0 1 3 0"), rule.Widest);
        Assert.Equal(Architecture.Parse("1 0 2 0"), rule.Narrowest());
        Assert.Equal((costs.Most, costs.Least), (costs.Of(rule.Widest), costs.Of(rule.Narrowest())));
        Architecture inside = Architecture.Parse("2 0 0 0");
        Assert.Equal([rule.Widest, inside, inside, rule.Narrowest()], rule.Around([inside, inside]));
        Assert.Equal([rule.Widest, rule.Narrowest()], rule.Around([]));
    }

    [Theory]
    [InlineData(8, "1 0 / 0 0")]
    [InlineData(3, "1 1 / 5 5")]
    [InlineData(1, "1 0 / 7 7")]
    public void The_narrowest_path_has_a_channel_scale_that_is_let_in(int scales, string narrowest)
    {
        // Scales 6 and 7 of the first block's operations cost the same, as where channels are few.
        long[][] blocks =
        [
            [10, 20, 30, 40, 50, 60, 70, 70, 5, 15, 25, 35, 45, 55, 65, 65],
            [1, 2, 3, 4, 5, 9, 9, 10, 2, 3, 4, 5, 6, 7, 9, 12],
        ];
        var rule = new SandwichRule(Costs(blocks, hasScales: true));
        Assert.Equal(Architecture.Parse("0 1 / 7 7"), rule.Widest);
        Assert.Equal(Architecture.Parse(narrowest), rule.Narrowest(scales));
        Assert.Equal([rule.Widest, rule.Narrowest(scales)], rule.Around([], scales));
    }

    private static CostTable Costs(long[][] blocks, bool hasScales) => new(
        new SearchSpace(blocks.Select(block => block.Select(_ => new Alternative("any")).ToImmutableArray()), hasScales), 100, blocks);
}
