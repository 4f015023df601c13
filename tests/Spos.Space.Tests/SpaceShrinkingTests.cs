namespace Spos.Space.Tests;

/// <summary>Which alternatives go when a space is shrunk.</summary>
public sealed class SpaceShrinkingTests
{
    private static readonly SearchSpace Space = new([[new("a"), new("b"), new("c")], [new("a"), new("b"), new("c")]]);

    [Fact]
    public void An_alternative_is_worth_the_mean_of_the_paths_that_have_it()
    {
        IReadOnlyList<ScoredAlternative> alternatives =
            ScoredAlternative.Of(Space, [Scored("0 1", 0.5), Scored("0 2", 0.25), Scored("1 1", 1)]);
        Assert.Equal(
            [(0, 0, 2, 0.375), (0, 1, 1, 1), (0, 2, 0, double.NaN), (1, 0, 0, double.NaN), (1, 1, 2, 0.75), (1, 2, 1, 0.25)],
            alternatives.Select(one => (one.Block, one.Number, one.Paths, one.Score)));
    }

    [Fact]
    public void Operations_and_channel_scales_are_compared_each_by_themselves()
    {
        SearchSpace scaled =
            new SearchSpace([[.. Enumerable.Range(0, 16).Select(i => new Alternative($"{i}", 1 + i % 8))]], hasScales: true)
                .With([[0, 1]], [[2, 5]]);
        IReadOnlyList<ScoredAlternative> alternatives = ScoredAlternative.Of(
            scaled, [Scored("0 / 2", 0.1), Scored("0 / 5", 0.3), Scored("1 / 2", 0.2), Scored("1 / 5", 0.6)]);
        Assert.Equal([(false, 0), (false, 1), (true, 2), (true, 5)], alternatives.Select(one => (one.IsScale, one.Number)));
        Assert.Equal([0.2, 0.4, 0.15, 0.45], alternatives.Select(one => Math.Round(one.Score, 9)));
        IReadOnlyList<ScoredAlternative> dropped = new SpaceShrinking(null, 5).Of(alternatives);
        Assert.Equal([(true, 2), (false, 0)], dropped.Select(one => (one.IsScale, one.Number)));
        Assert.Equal("1 / 5", dropped.Aggregate(scaled, (space, one) => one.LeftOutOf(space)).Left);
        Assert.Equal("0 1 / 5", alternatives[3].Alone(scaled).Left);
    }

    [Theory]
    // The worst in all, of which two are of block 1.
    [InlineData(null, 1, "1:2")]
    [InlineData(null, 3, "1:2 1:1 0:0")]
    [InlineData(null, 4, "1:2 1:1 0:0 0:1")]
    // All but the best of each block.
    [InlineData(2, null, "1:2 0:0")]
    [InlineData(1, null, "1:2 1:1 0:0 0:1")]
    public void The_worst_go_and_the_last_of_a_block_never_does(int? keep, int? drop, string gone)
    {
        var shrinking = new SpaceShrinking(keep, drop);
        IReadOnlyList<ScoredAlternative> dropped = shrinking.Of(Table(0.5, 0.6, 0.7, 0.4, 0.3, 0.2));
        Assert.Equal(gone, string.Join(' ', dropped.Select(one => $"{one.Block}:{one.Number}")));
        Assert.Equal(dropped.Count, shrinking.CountIn(Space));
        Assert.Equal(4, SpaceShrinking.MostOf(Space));
    }

    [Fact]
    public void Of_equally_good_ones_the_later_goes_and_what_no_path_has_goes_first()
    {
        string Gone(int drop, params double[] scores) => string.Join(
            ' ', new SpaceShrinking(null, drop).Of(Table(scores)).Select(one => $"{one.Block}:{one.Number}"));
        Assert.Equal("1:2 1:1 0:2 0:1", Gone(4, 1, 1, 1, 1, 1, 1));
        Assert.Equal("1:0 0:1 1:2 0:0", Gone(4, 0.1, double.NaN, 1, double.NaN, 0.2, 0.1));
    }

    private static ScoredAlternative[] Table(params double[] scores) =>
        [.. scores.Select((score, i) => new ScoredAlternative(i / 3, false, i % 3, double.IsNaN(score) ? 0 : 1, score))];

    private static Candidate Scored(string path, double score) => new(Architecture.Parse(path), 0, 0, score);
}
