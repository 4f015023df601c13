using System.Numerics;
using Spos.Engine.Random;

namespace Spos.Engine.Supernet;

/// <summary>Draws paths: uniformly, uniformly within a FLOPs window, or disjoint ones.</summary>
public sealed class PathSampler
{
    // Sums of FLOPs are rounded to this many steps of the whole range, which keeps the tables small.
    private const int Steps = 4096;

    private readonly FlopsTable _flops;
    private readonly long _quantum;
    private readonly BigInteger[][] _counts;

    public PathSampler(FlopsTable flops)
    {
        _flops = flops;
        long span = Enumerable.Range(0, flops.Blocks).Sum(b => Excess(b, Largest(b)));
        _quantum = Math.Max(1, (span + Steps - 1) / Steps);
        _counts = CountSuffixes();
    }

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
    /// trial and error: by the number of paths at each (rounded) cost. The rounding moves the window's edges by less than one
    /// part in a hundred of the range; a path is never outside the window itself.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such path.</exception>
    public Architecture Within(CounterRandom random, double low, double high)
    {
        // Rounded-up sums lie at most one step a block above the true ones: shrink the window by that.
        int first = (int)Math.Clamp(Math.Ceiling((low - Base) / _quantum) + _flops.Blocks, 0, _counts[0].Length);
        int last = (int)Math.Clamp(Math.Floor((high - Base) / _quantum), -1, _counts[0].Length - 1);
        if (low <= Base) first = 0;
        BigInteger total = 0;
        for (int sum = first; sum <= last; sum++) total += _counts[0][sum];
        if (total == 0) throw new ArgumentException($"No path has {low / 1e6:0.###}M to {high / 1e6:0.###}M FLOPs: this network's have {Base / 1e6:0.###}M to {(Base + Range) / 1e6:0.###}M.");
        BigInteger pick = random.NextBig(total);
        int target = first;
        while (pick >= _counts[0][target]) pick -= _counts[0][target++];
        return Walk(target, pick);
    }

    private long Base => _flops.Fixed + Enumerable.Range(0, _flops.Blocks).Sum(Smallest);

    private long Range => Enumerable.Range(0, _flops.Blocks).Sum(b => Largest(b) - Smallest(b));

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
