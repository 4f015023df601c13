using System.Numerics;
using Spos.Engine.Random;

namespace Spos.Engine.Supernet;

/// <summary>Draws paths: uniformly, uniformly within a FLOPs window or a bin of it, or disjoint ones.</summary>
public sealed class PathSampler
{
    /// <summary>The window that the paper's supernet is trained in, and the parts that NNI's trainer divides it into.</summary>
    public const double OfficialLow = 290e6, OfficialHigh = 360e6;

    public const int OfficialBins = 7;

    /// <summary>The most parts that a window is divided into: finer ones of the official window would have a few costs each.</summary>
    public const int MostBins = 1000;

    // Costs are counted in their greatest common divisor. Only if that takes more steps than this are they rounded.
    private const long MostSteps = 1 << 18;

    private readonly FlopsTable _flops;
    private readonly long _quantum;
    private readonly BigInteger[][] _counts;

    // before[s]: how many paths cost less than s steps above the cheapest.
    private readonly BigInteger[] _before;

    public PathSampler(FlopsTable flops)
    {
        _flops = flops;
        Least = flops.Fixed + Enumerable.Range(0, flops.Blocks).Sum(Smallest);
        Most = flops.Fixed + Enumerable.Range(0, flops.Blocks).Sum(Largest);
        long divisor = 0;
        for (int block = 0; block < flops.Blocks; block++)
        {
            for (int choice = 0; choice < Architecture.Choices; choice++) divisor = (long)BigInteger.GreatestCommonDivisor(divisor, Excess(block, flops.Of(block, choice)));
        }
        _quantum = Math.Max(Math.Max(1, divisor), (Most - Least + MostSteps - 1) / MostSteps);
        IsExact = divisor == 0 || _quantum == divisor;
        _counts = CountSuffixes();
        _before = new BigInteger[_counts[0].Length + 1];
        for (int sum = 0; sum < _counts[0].Length; sum++) _before[sum + 1] = _before[sum] + _counts[0][sum];
    }

    /// <summary>
    /// Whether costs are counted without rounding, as they are for all but very large networks of odd sizes. Otherwise a window's
    /// edges may leave out paths, but no path outside is ever drawn.
    /// </summary>
    public bool IsExact { get; }

    /// <summary>A path, each equally likely.</summary>
    public Architecture Uniform(CounterRandom random) =>
        new(Enumerable.Range(0, _flops.Blocks).Select(_ => random.NextInt(Architecture.Choices)));

    /// <summary>
    /// Four paths that share no operation: each block's four operations in random order (strict fairness, arXiv 1907.01845).
    /// Each alone is a uniform path; the first <paramref name="count"/> are returned.
    /// </summary>
    public Architecture[] Disjoint(CounterRandom random, int count)
    {
        int[][] orders = new int[_flops.Blocks][];
        for (int b = 0; b < orders.Length; b++)
        {
            orders[b] = [0, 1, 2, 3];
            random.Shuffle<int>(orders[b]);
        }
        return [.. Enumerable.Range(0, count).Select(k => new Architecture(orders.Select(o => o[k])))];
    }

    /// <summary>
    /// A path of at least <paramref name="low"/> and at most <paramref name="high"/> FLOPs, each equally likely, without
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
        (int First, int Last)[] filled = [.. Enumerable.Range(0, bins).Select(bin => Bin(low, high, bins, bin)).Where(b => Count(b.First, b.Last) > 0)];
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
    private int FirstAtLeast(double flops) =>
        flops <= Least ? 0 : (int)Math.Clamp(Math.Ceiling((flops - Least) / _quantum) + (IsExact ? 0 : _flops.Blocks), 0, _counts[0].Length);

    private int LastAtMost(double flops) => (int)Math.Clamp(Math.Floor((flops - Least) / _quantum), -1, _counts[0].Length - 1);

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
        new($"No path has {low / 1e6:0.###}M to {high / 1e6:0.###}M FLOPs: this network's have {Least / 1e6:0.###}M to {Most / 1e6:0.###}M.");

    /// <summary>The FLOPs of the cheapest and of the dearest path.</summary>
    public long Least { get; }

    public long Most { get; }

    private long Smallest(int block) => Enumerable.Range(0, Architecture.Choices).Min(c => _flops.Of(block, c));

    private long Largest(int block) => Enumerable.Range(0, Architecture.Choices).Max(c => _flops.Of(block, c));

    private long Excess(int block, long cost) => cost - Smallest(block);

    private int Quantised(int block, int choice) => (int)((Excess(block, _flops.Of(block, choice)) + _quantum - 1) / _quantum);

    // counts[b][s]: in how many ways blocks b, b+1, … can add up to s.
    private BigInteger[][] CountSuffixes()
    {
        int blocks = _flops.Blocks;
        var counts = new BigInteger[blocks + 1][];
        counts[blocks] = [BigInteger.One];
        for (int b = blocks - 1; b >= 0; b--)
        {
            int most = Enumerable.Range(0, Architecture.Choices).Max(c => Quantised(b, c));
            counts[b] = new BigInteger[counts[b + 1].Length + most];
            for (int choice = 0; choice < Architecture.Choices; choice++)
            {
                int cost = Quantised(b, choice);
                for (int s = 0; s < counts[b + 1].Length; s++) counts[b][s + cost] += counts[b + 1][s];
            }
        }
        return counts;
    }

    // The path numbered `pick` among those of sum `target`.
    private Architecture Walk(int target, BigInteger pick)
    {
        int[] choices = new int[_flops.Blocks];
        for (int b = 0; b < choices.Length; b++)
        {
            for (int choice = 0; ; choice++)
            {
                int rest = target - Quantised(b, choice);
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
