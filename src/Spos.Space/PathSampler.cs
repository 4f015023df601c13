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

    // steps[b][c]: what alternative c of block b costs above the block's cheapest, in quanta, rounded up.
    private readonly int[][] _steps;

    // counts[b][s]: in how many ways blocks b, b+1, … can add up to s steps.
    private readonly BigInteger[][] _counts;

    // before[s]: how many paths cost less than s steps above the cheapest.
    private readonly BigInteger[] _before;

    public PathSampler(CostTable costs)
    {
        _costs = costs;
        long divisor = 0;
        for (int block = 0; block < Blocks; block++)
        {
            foreach (long cost in costs.Of(block)) divisor = (long)BigInteger.GreatestCommonDivisor(divisor, cost - Smallest(block));
        }
        _quantum = Math.Max(Math.Max(1, divisor), (costs.Most - costs.Least + MostSteps - 1) / MostSteps);
        IsExact = divisor == 0 || _quantum == divisor;
        _steps = [.. Enumerable.Range(0, Blocks).Select(StepsOf)];
        _counts = CountSuffixes();
        _before = new BigInteger[_counts[0].Length + 1];
        for (int sum = 0; sum < _counts[0].Length; sum++) _before[sum + 1] = _before[sum] + _counts[0][sum];
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
        new(_costs.Space.Blocks.Select(alternatives => random.NextInt(alternatives.Length)));

    /// <summary>
    /// Paths that share no alternative: the first <paramref name="count"/> of each block's alternatives in random order (strict fairness,
    /// arXiv 1907.01845). Each alone is a uniform path.
    /// </summary>
    /// <param name="count">At most <see cref="SearchSpace.MostDisjoint"/>.</param>
    public Architecture[] Disjoint(CounterRandom random, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _costs.Space.MostDisjoint);
        int[][] orders = new int[Blocks][];
        for (int b = 0; b < orders.Length; b++)
        {
            orders[b] = [.. Enumerable.Range(0, _steps[b].Length)];
            random.Shuffle<int>(orders[b]);
        }
        return [.. Enumerable.Range(0, count).Select(k => new Architecture(orders.Select(o => o[k])))];
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

    private static void CheckWindow(double low, double high, int bins)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high) || low > high)
        {
            throw new ArgumentException($"{low} to {high} is no window of FLOPs: it goes from a finite number to one that is not lower.");
        }
        if (bins is < 1 or > MostBins) throw new ArgumentException($"{bins} parts of a window of FLOPs: 1 to {MostBins} are possible.");
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
            : (int)Math.Clamp(Math.Ceiling((cost - _costs.Least) / _quantum) + (IsExact ? 0 : Blocks), 0, _counts[0].Length);

    private int LastAtMost(double cost) => (int)Math.Clamp(Math.Floor((cost - _costs.Least) / _quantum), -1, _counts[0].Length - 1);

    private BigInteger Count(int first, int last) => last < first ? 0 : _before[last + 1] - _before[first];

    private Architecture Draw(CounterRandom random, int first, int last, double low, double high)
    {
        BigInteger total = Count(first, last);
        if (total == 0) throw Empty(low, high);
        BigInteger pick = _before[first] + random.NextBig(total);
        int found = Array.BinarySearch(_before, pick);
        int target = found >= 0 ? found : ~found - 1;
        // Where no path has a cost, entries are equal: the last of them is where the path's own cost begins.
        while (_before[target + 1] <= pick) target++;
        return Walk(target, pick - _before[target]);
    }

    private ArgumentException Empty(double low, double high) =>
        new(
            $"No path has {low / 1e6:0.###}M to {high / 1e6:0.###}M FLOPs: "
            + $"this network's have {_costs.Least / 1e6:0.###}M to {_costs.Most / 1e6:0.###}M.");

    private int Blocks => _costs.Space.Blocks.Length;

    private long Smallest(int block)
    {
        long smallest = long.MaxValue;
        foreach (long cost in _costs.Of(block)) smallest = Math.Min(smallest, cost);
        return smallest;
    }

    private int[] StepsOf(int block)
    {
        long smallest = Smallest(block);
        return [.. _costs.Of(block).ToArray().Select(cost => (int)((cost - smallest + _quantum - 1) / _quantum))];
    }

    private BigInteger[][] CountSuffixes()
    {
        var counts = new BigInteger[Blocks + 1][];
        counts[Blocks] = [BigInteger.One];
        for (int b = Blocks - 1; b >= 0; b--)
        {
            counts[b] = new BigInteger[counts[b + 1].Length + _steps[b].Max()];
            foreach (int cost in _steps[b])
            {
                for (int s = 0; s < counts[b + 1].Length; s++) counts[b][s + cost] += counts[b + 1][s];
            }
        }
        return counts;
    }

    // The path numbered `pick` among those of sum `target`.
    private Architecture Walk(int target, BigInteger pick)
    {
        int[] choices = new int[Blocks];
        for (int b = 0; b < choices.Length; b++)
        {
            for (int choice = 0; ; choice++)
            {
                int rest = target - _steps[b][choice];
                BigInteger ways = rest >= 0 && rest < _counts[b + 1].Length ? _counts[b + 1][rest] : 0;
                if (pick < ways)
                {
                    choices[b] = choice;
                    target = rest;
                    break;
                }
                pick -= ways;
            }
        }
        return new Architecture(choices);
    }
}
