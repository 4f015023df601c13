using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space.Tests;

/// <summary>Architectures and spaces whose blocks have a channel scale beside their operation.</summary>
public sealed class ChannelScaleTests
{
    // Three blocks of two operations.
    private static readonly SearchSpace Space =
        new(Enumerable.Repeat(Enumerable.Repeat(new Alternative("any"), 2 * ChannelScales.Count).ToImmutableArray(), 3), hasScales: true);

    [Fact]
    public void Channels_are_rounded_down_as_the_authors_code_does()
    {
        // int(channels * scale) in Python, for the widths of the official network.
        double[] scales = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6];
        foreach (int channels in new[] { 32, 80, 160, 320 })
        {
            Assert.Equal(
                scales.Select(scale => (int)(channels * scale)),
                Enumerable.Range(0, ChannelScales.Count).Select(scale => ChannelScales.Of(scale, channels)));
        }
        Assert.Equal(1, ChannelScales.Of(0, 2));
        Assert.Equal(7, ChannelScales.Of(ChannelScales.Plain, 7));
        Assert.Equal(
            ["0.2", "0.4", "0.6", "0.8", "1.0", "1.2", "1.4", "1.6"],
            Enumerable.Range(0, ChannelScales.Count).Select(ChannelScales.NameOf));
    }

    [Theory]
    [InlineData("0 1 1 / 7 0 4")]
    [InlineData("0,1,1/7,0,4")]
    [InlineData("[0, 1, 1] / [7, 0, 4]")]
    [InlineData(" (0, 1, 1) / (7, 0, 4) ")]
    public void Texts_have_operations_and_scales(string text)
    {
        Architecture path = Architecture.Parse(text);
        Assert.True(path.HasScales);
        Assert.Equal((int[])[0, 1, 1], path.Operations);
        Assert.Equal((int[])[7, 0, 4], path.Scales);
        Assert.Equal((int[])[7, 8, 12], path.Blocks);
        Assert.Equal("0 1 1 / 7 0 4", path.ToString());
        Assert.Equal(path, Architecture.Parse(path.ToString()));
        Assert.Equal(path, Space.PathOf(path.Blocks));
        Assert.Null(Space.FaultOf(path));
    }

    [Theory]
    [InlineData("0 1 1 / 7 0", "3 operations and 2 channel scales")]
    [InlineData("0 1 1 / 7 0 8", "8 is no channel scale: 0 to 7 are")]
    [InlineData("0 1 1 / 7 0 4 / 1", "more than one /")]
    [InlineData("0 1 1 /", "a list of numbers")]
    [InlineData("/ 0 1 1", "a list of numbers")]
    [InlineData("0 1 1 / 7 x 4", "'x'")]
    public void Other_texts_are_told_what_is_wrong(string text, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => Architecture.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_same_choices_without_scales_are_another_architecture()
    {
        var plain = new Architecture([7, 8, 12]);
        Architecture scaled = Space.PathOf(plain.Blocks);
        Assert.NotEqual(plain, scaled);
        Assert.Equal("has no channel scales; the network has them", Space.FaultOf(plain));
        Assert.Equal("chooses 2 in block 1; the choices there are 0 to 1", Space.FaultOf(Architecture.Parse("0 2 1 / 7 0 4")));
        SearchSpace other = new(Enumerable.Repeat<ImmutableArray<Alternative>>([new Alternative("a"), new Alternative("b")], 3));
        Assert.Equal("has channel scales; the network has none", other.FaultOf(scaled));
        Assert.Throws<ArgumentException>(() => new SearchSpace([[new Alternative("a")]], hasScales: true));
    }

    [Fact]
    public void Paths_are_drawn_with_scales()
    {
        Assert.Equal(BigInteger.Pow(16, 3), Space.Size);
        Assert.Equal(2, Space.MostDisjoint);
        var sampler = new PathSampler(new CostTable(Space, 5, Space.Blocks.Select(block => block.Select((_, choice) => 3L * choice))));
        var random = new CounterRandom(1, RandomPurpose.Paths, 0);
        Assert.Null(Space.FaultOf(sampler.Uniform(random)));
        Assert.Null(Space.FaultOf(sampler.Within(random, 0, 1e9)));
        Architecture[] disjoint = sampler.Disjoint(random, 2);
        Assert.All(disjoint[0].Operations.Zip(disjoint[1].Operations), pair => Assert.NotEqual(pair.First, pair.Second));
        Assert.All(disjoint[0].Scales.Zip(disjoint[1].Scales), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    [Fact]
    public void Evolution_finds_the_best_operations_and_scales()
    {
        Architecture wanted = Architecture.Parse("1 0 1 / 2 6 5");
        var costs = new CostTable(Space, 0, Space.Blocks.Select(block => block.Select((_, choice) => (long)choice % ChannelScales.Count)));
        var search = new EvolutionSearch(
            costs, new LimitedSampler(new CostLimits([CostLimit.AtMost(costs, 15)])), new EvolutionOptions
            {
                MaxEpochs = 20,
                NumPopulation = 30,
                NumSelect = 8,
                NumCrossover = 10,
                NumMutation = 15,
                Seed = 3,
            });
        double Score(Architecture path) =>
            -path.Operations.Zip(wanted.Operations).Sum(pair => Math.Abs(pair.First - pair.Second))
            - (0.1 * path.Scales.Zip(wanted.Scales).Sum(pair => Math.Abs(pair.First - pair.Second)));
        Candidate best = search.Run([path => Score(path)], _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal(wanted, best.Path);
        Assert.All(search.Candidates, candidate => Assert.Null(Space.FaultOf(candidate.Path)));
        Assert.All(search.Candidates, candidate => Assert.InRange(candidate.Path.Scales.Sum(), 0, 15));
    }
}
