using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space;

/// <summary>Draws paths: uniformly, uniformly within a window of their costs or a bin of it, or disjoint ones.</summary>
public sealed class PathSampler
{
    /// <summary>The most parts that a window is divided into: finer ones of the official window would have a few costs each.</summary>
    public const int MostBins = 1000;

    // Costs are counted in their greatest common divisor. Only if that takes more steps than this are they rounded.
    private const long MostSteps = 1 << 18;

    private readonly CostTable _costs;
    private readonly long _quantum;

    // steps[b][c]: what the alternative c that block b is left with costs above the block's cheapest, in quanta, rounded up.
    private readonly int[][] _steps;

    // By how many steps above the cheapest each path costs; of all possible numbers of steps.
    private readonly IPathWindow _paths;
    private readonly int _sums;

    public PathSampler(CostTable costs)
    {
        _costs = costs;
        long divisor = 0;
        for (int block = 0; block < Blocks; block++)
        {
            foreach (long cost in costs.LeftOf(block)) divisor = (long)BigInteger.GreatestCommonDivisor(divisor, cost - Smallest(block));
        }
        _quantum = Math.Max(Math.Max(1, divisor), (costs.Most - costs.Least + MostSteps - 1) / MostSteps);
        IsExact = divisor == 0 || _quantum == divisor;
        _steps = [.. Enumerable.Range(0, Blocks).Select(StepsOf)];
        _sums = 1 + _steps.Sum(block => block.Max());
        _paths = PathCounts.Of(costs.Space, [_steps], [_sums]).Window([0], [_sums - 1]);
    }

    /// <summary>What is counted.</summary>
    public CostTable Costs => _costs;

    /// <summary>
    /// Whether costs are counted without rounding, as they are for all but very large networks of odd sizes. Otherwise a window's
    /// edges may leave out paths, but no path outside is ever drawn.
    /// </summary>
    public bool IsExact { get; }

    /// <summary>A path, each equally likely.</summary>
    public Architecture Uniform(CounterRandom random) =>
        _costs.Space.PathOf(_costs.Space.Choices.Select(choices => choices[random.NextInt(choices.Length)]));

    /// <summary>
    /// Paths that share no operation, nor a channel scale: the first <paramref name="count"/> of each block's in random order (strict
    /// fairness, arXiv 1907.01845). Each alone is a uniform path.
    /// </summary>
    /// <param name="count">At most <see cref="SearchSpace.MostDisjoint"/>.</param>
    public Architecture[] Disjoint(CounterRandom random, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _costs.Space.MostDisjoint);
        int[][] operations = [.. _costs.Space.Operations.Select(Shuffled)];
        int[][] scales = _costs.Space.HasScales ? [.. _costs.Space.Scales.Select(Shuffled)] : [];
        int[] Taken(int[][] orders, int k) => [.. orders.Select(order => order[k])];
        return [.. Enumerable.Range(0, count).Select(k => Architecture.Of(Taken(operations, k), Taken(scales, k)))];

        int[] Shuffled(ImmutableArray<int> left)
        {
            int[] order = [.. left];
            random.Shuffle<int>(order);
            return order;
        }
    }

    /// <summary>
    /// A path of at least <paramref name="low"/> and at most <paramref name="high"/> in cost, each equally likely, without
    /// trial and error: by the number of paths at each cost.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such path, or the window is none.</exception>
    public Architecture Within(CounterRandom random, double low, double high)
    {
        CheckWindow(low, high, 1);
        return Draw(random, FirstAtLeast(low), LastAtMost(high), low, high);
    }

    /// <summary>
    /// A path from one of <paramref name="bins"/> equal parts of a window, each part that has paths equally likely, and in it each
    /// path. A part ends before its upper edge, the last one at it.
    /// </summary>
    /// <exception cref="ArgumentException">The window has no path or is none, or there are too many parts.</exception>
    public Architecture FromBins(CounterRandom random, double low, double high, int bins)
    {
        CheckWindow(low, high, bins);
        (int First, int Last)[] filled =
            [.. Enumerable.Range(0, bins).Select(bin => Bin(low, high, bins, bin)).Where(b => Count(b.First, b.Last) > 0)];
        if (filled.Length == 0) throw Empty(low, high);
        (int first, int last) = filled[random.NextInt(filled.Length)];
        return Draw(random, first, last, low, high);
    }

    /// <summary>How many paths each of the parts of a window has.</summary>
    /// <exception cref="ArgumentException">The window is none, or there are too many parts.</exception>
    public BigInteger[] CountBins(double low, double high, int bins)
    {
        CheckWindow(low, high, bins);
        return [.. Enumerable.Range(0, bins).Select(bin => Bin(low, high, bins, bin)).Select(b => Count(b.First, b.Last))];
    }

    private void CheckWindow(double low, double high, int bins)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high) || low > high)
        {
            throw new ArgumentException(
                $"{low} to {high} is no window of {_costs.Measure.Name}: it goes from a finite number to one that is not lower.");
        }
        if (bins is < 1 or > MostBins)
        {
            throw new ArgumentException($"{bins} parts of a window of {_costs.Measure.Name}: 1 to {MostBins} are possible.");
        }
    }

    private (int First, int Last) Bin(double low, double high, int bins, int bin)
    {
        double width = (high - low) / bins;
        return (FirstAtLeast(low + bin * width), bin == bins - 1 ? LastAtMost(high) : FirstAtLeast(low + (bin + 1) * width) - 1);
    }

    // Sums of quantised costs, each rounded up, lie at most a step a block above the true ones; without rounding, at them.
    private int FirstAtLeast(double cost) =>
        cost <= _costs.Least
            ? 0
            : (int)Math.Clamp(Math.Ceiling((cost - _costs.Least) / _quantum) + (IsExact ? 0 : Blocks), 0, _sums);

    private int LastAtMost(double cost) =>
        cost >= _costs.Most ? _sums - 1 : (int)Math.Clamp(Math.Floor((cost - _costs.Least) / _quantum), -1, _sums - 1);

    private BigInteger Count(int first, int last) => _paths.Count(first, last);

    private Architecture Draw(CounterRandom random, int first, int last, double low, double high)
    {
        if (Count(first, last).IsZero) throw Empty(low, high);
        int[] choices = new int[Blocks];
        _paths.Draw(random, first, last, choices);
        return _costs.Space.PathOf(choices);
    }

    private ArgumentException Empty(double low, double high) =>
        new(
            $"No path has {_costs.Measure.TextOf(low, high)}: this network's have "
            + $"{_costs.Measure.NumberOf(_costs.Least, _costs.Most)}.");

    private int Blocks => _costs.Space.Blocks.Length;

    private long Smallest(int block)
    {
        long smallest = long.MaxValue;
        foreach (long cost in _costs.LeftOf(block)) smallest = Math.Min(smallest, cost);
        return smallest;
    }

    private int[] StepsOf(int block)
    {
        long smallest = Smallest(block);
        return [.. _costs.LeftOf(block).ToArray().Select(cost => (int)((cost - smallest + _quantum - 1) / _quantum))];
    }
}
