using CsCheck;

namespace Spos.Space.Tests;

public sealed class EvenSpreadTests
{
    [Fact]
    public void Both_ends_are_chosen_and_what_is_nearest_to_equal_steps_between()
    {
        double[] values = [40, 0, 11, 9, 19, 21, 33];
        Assert.Equal([1, 0], EvenSpread.Choose(values, 2));
        Assert.Equal([1, 4, 0], EvenSpread.Choose(values, 3));
        // 13 and 27 are wanted: 11 and 21, though 33 is as far from 27.
        Assert.Equal([1, 2, 5, 0], EvenSpread.Choose(values, 4));
        Assert.Equal([4], EvenSpread.Choose(values, 1));
    }

    [Fact]
    public void All_are_chosen_where_there_are_no_more_and_of_equal_ones_the_first()
    {
        Assert.Equal([1, 2, 0], EvenSpread.Choose([3, 1, 2], 3));
        Assert.Equal([0], EvenSpread.Choose([3], 5));
        Assert.Empty(EvenSpread.Choose([], 5));
        Assert.Equal([0, 1], EvenSpread.Choose([7, 7, 7], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => EvenSpread.Choose([1], 0));
    }

    [Fact]
    public void No_other_choice_is_nearer()
    {
        Gen.Select(Gen.Int[0, 30].Array[2, 9], Gen.Int[2, 5]).Sample((whole, count) =>
        {
            double[] values = [.. whole.Select(value => (double)value)];
            int[] chosen = EvenSpread.Choose(values, count);
            Assert.Equal(Math.Min(count, values.Length), chosen.Distinct().Count());
            if (values.Length <= count) return;
            Assert.Equal((values.Min(), values.Max()), (values[chosen[0]], values[chosen[^1]]));
            double least = Choices(values.Length, count).Min(places => DistanceOf([.. places.Select(place => values[place])]));
            // Both are sums of at most five squares of numbers up to 30, each rounded once or twice.
            Assert.Equal(least, DistanceOf([.. chosen.Select(place => values[place])]), 1e-9);

            double DistanceOf(double[] some)
            {
                Array.Sort(some);
                double low = values.Min(), step = (values.Max() - low) / (count - 1);
                return some.Select((value, i) => Math.Pow(value - (low + step * i), 2)).Sum();
            }
        });
    }

    // All sets of so many places.
    private static IEnumerable<int[]> Choices(int places, int count) =>
        Enumerable.Range(0, 1 << places).Select(set => Enumerable.Range(0, places).Where(place => (set >> place & 1) != 0).ToArray())
            .Where(set => set.Length == count);
}
