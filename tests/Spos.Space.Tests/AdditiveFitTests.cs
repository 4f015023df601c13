using System.Collections.Immutable;

namespace Spos.Space.Tests;

/// <summary>Costs are found in measurements of whole paths, for blocks of equal and of different numbers of alternatives.</summary>
public sealed class AdditiveFitTests
{
    private const int Rounds = 60;

    public static TheoryData<int[]> Spaces => new([4, 4, 4, 4, 4, 4], [2, 3, 1, 5], [32, 32, 32, 32]);

    [Theory]
    [MemberData(nameof(Spaces))]
    public void Every_set_of_paths_has_every_alternative(int[] alternatives)
    {
        SearchSpace space = Of(alternatives);
        Architecture[] paths = AdditiveFit.Cover(space, new CounterRandom(1, RandomPurpose.Paths, 0));
        Assert.Equal(alternatives.Max(), paths.Length);
        foreach ((int block, int count) in alternatives.Index())
        {
            int[] times = [.. Enumerable.Range(0, count).Select(choice => paths.Count(path => path.Blocks[block] == choice))];
            // As equally often as can be.
            Assert.InRange(times.Min(), 1, times.Max());
            Assert.InRange(times.Max() - times.Min(), 0, 1);
        }
    }

    [Theory]
    [MemberData(nameof(Spaces))]
    public void Exact_costs_are_found_whatever_the_pace_of_a_round(int[] alternatives)
    {
        CostTable truth = CostsOf(Of(alternatives));
        AdditiveFit fit = AdditiveFit.Of(truth.Space, Measure(truth, (cost, round, _) => cost * PaceOf(round)));
        // Paces and costs are found in turn; what the last turn still moves is far below a millionth.
        double tolerance = 1e-6 * truth.Least;
        double median = Enumerable.Range(0, Rounds).Select(PaceOf).Order().Skip(Rounds / 2 - 1).Take(2).Average();
        AssertCosts(truth, fit, median, tolerance);
        for (int round = 0; round < Rounds; round++) Assert.Equal(PaceOf(round) / median, fit.PaceOf(round), 0.02);
    }

    [Fact]
    public void Noise_is_averaged_over_the_rounds()
    {
        CostTable truth = CostsOf(Of([4, 4, 4, 4, 4, 4]));
        const double deviation = 100;
        AdditiveFit fit = AdditiveFit.Of(truth.Space, Measure(truth, (cost, _, random) => cost + deviation * random.NextNormal()));
        // An alternative is in one measurement a round, so the mean of its errors has the deviation / √rounds, and a difference of two
        // √2 of it. Huber's weights take 5% of the precision; five deviations are never exceeded by so few figures.
        AssertCosts(truth, fit, 1, 5 * 1.05 * deviation * Math.Sqrt(2.0 / Rounds));
    }

    [Fact]
    public void Measurements_that_something_else_disturbed_count_little()
    {
        CostTable truth = CostsOf(Of([4, 4, 4, 4, 4, 4]));
        const double deviation = 10;
        // One of twenty takes half as long again: 5,000 of some 10,000, which least squares would spread over the costs: about 5,000 / √60
        // · √0.05 = 140 a figure, and up to three times as much.
        AdditiveFit fit = AdditiveFit.Of(truth.Space, Measure(truth, (cost, _, random) =>
            (cost + deviation * random.NextNormal()) * (random.NextInt(20) == 0 ? 1.5 : 1)));
        // The bound of the test without disturbances, and as much again.
        AssertCosts(truth, fit, 1, 2 * 5 * 1.05 * deviation * Math.Sqrt(2.0 / Rounds));
    }

    [Fact]
    public void Costs_are_not_below_0_however_uneven_measurements_are()
    {
        // An additive cost of these is 9 more for each second alternative, so that three first ones would cost 17 less than nothing.
        (int[] Path, double Cost)[] measured = [([0, 1, 1], 1), ([1, 0, 1], 1), ([1, 1, 0], 1), ([1, 1, 1], 10)];
        AdditiveFit fit = AdditiveFit.Of(
            Of([2, 2, 2]), [.. measured.Select(one => new MeasuredPath(new Architecture(one.Path), 0, one.Cost))]);
        Assert.Equal(0, fit.Fixed);
        Assert.True(double.IsFinite(fit.PaceOf(0)) && fit.PaceOf(0) > 0, $"{fit.PaceOf(0)}");
        Assert.All(
            Enumerable.Range(0, 6), i => Assert.True(double.IsFinite(fit.Of(i / 2, i % 2)) && fit.Of(i / 2, i % 2) >= 0, $"{i}"));
    }

    [Fact]
    public void What_leaves_something_open_is_refused()
    {
        CostTable truth = CostsOf(Of([2, 2]));
        MeasuredPath one = new(new Architecture([0, 0]), 0, 1), other = new(new Architecture([1, 0]), 0, 1);
        Assert.Throws<ArgumentException>(() => AdditiveFit.Of(truth.Space, []));
        Assert.Throws<ArgumentException>(() => AdditiveFit.Of(truth.Space, [one, other]));
        Assert.Throws<ArgumentException>(
            () => AdditiveFit.Of(truth.Space, [one, other, new MeasuredPath(new Architecture([1, 1]), 2, 1)]));
    }

    [Fact]
    public void A_table_has_whole_costs_from_the_cheapest_alternative_on()
    {
        CostTable truth = CostsOf(Of([4, 4, 4, 4, 4, 4]));
        CostTable table = AdditiveFit.Of(truth.Space, Measure(truth, (cost, _, _) => cost)).ToTable();
        Assert.Equal(truth.Least, table.Fixed);
        for (int block = 0; block < truth.Space.Blocks.Length; block++) Assert.Equal(0, table.Of(block).ToArray().Min());
        Architecture path = new([3, 1, 0, 2, 1, 3]);
        Assert.Equal(truth.Of(path), table.Of(path));
    }

    private static SearchSpace Of(int[] alternatives) => new(alternatives.Select(count =>
        Enumerable.Range(0, count).Select(choice => new Alternative($"{choice}")).ToImmutableArray()));

    // About 10,000 in all, with alternatives that differ by hundreds, and one of which costs less than the first.
    private static CostTable CostsOf(SearchSpace space)
    {
        var random = new CounterRandom(3, RandomPurpose.Drawing, 0);
        return new CostTable(
            space, 8000, space.Blocks.Select(block => block.Select(_ => (long)random.NextInt(800) - 100).ToArray()).ToArray());
    }

    private static double PaceOf(int round) => 1 + 0.3 * (round % 7) / 7 + (round > 40 ? 0.5 : 0);

    private static List<MeasuredPath> Measure(CostTable truth, Func<long, int, CounterRandom, double> measure)
    {
        CounterRandom paths = new(7, RandomPurpose.Paths, 0), noise = new(7, RandomPurpose.Drawing, 1);
        return
        [
            .. from round in Enumerable.Range(0, Rounds)
               from path in AdditiveFit.Cover(truth.Space, paths)
               select new MeasuredPath(path, round, measure(truth.Of(path), round, noise)),
        ];
    }

    private static void AssertCosts(CostTable truth, AdditiveFit fit, double pace, double tolerance)
    {
        Assert.Equal(truth.Least * pace, fit.Fixed, tolerance * truth.Space.Blocks.Length);
        for (int block = 0; block < truth.Space.Blocks.Length; block++)
        {
            long[] costs = truth.Of(block).ToArray();
            // What is least is taken from all, with its error.
            for (int choice = 0; choice < costs.Length; choice++)
            {
                Assert.Equal((costs[choice] - costs.Min()) * pace, fit.Of(block, choice), 2 * tolerance);
            }
        }
    }
}
