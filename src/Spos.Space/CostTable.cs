namespace Spos.Space;

/// <summary>
/// A cost of architectures that is a sum: a part that all have, and one for the alternative that is chosen in each block. FLOPs are such a
/// cost, and so are parameters.
/// </summary>
public sealed class CostTable
{
    // Of all alternatives, and of those that are left.
    private readonly long[][] _costs, _left;

    /// <param name="fixed">What every architecture costs.</param>
    /// <param name="costs">The cost of each alternative of each block.</param>
    /// <param name="measure">What they measure; null for FLOPs.</param>
    /// <exception cref="ArgumentException">The costs are not of this space.</exception>
    public CostTable(SearchSpace space, long @fixed, IEnumerable<IEnumerable<long>> costs, CostMeasure? measure = null)
    {
        Measure = measure ?? CostMeasure.Flops;
        (Space, Fixed, _costs) = (space, @fixed, [.. costs.Select(block => block.ToArray())]);
        if (!_costs.Select(block => block.Length).SequenceEqual(space.Blocks.Select(block => block.Length)))
        {
            throw new ArgumentException("A table of costs has one for each alternative of each block.");
        }
        _left = [.. space.Choices.Select((choices, block) => choices.Select(choice => _costs[block][choice]).ToArray())];
        Least = @fixed + _left.Sum(block => block.Min());
        Most = @fixed + _left.Sum(block => block.Max());
    }

    public SearchSpace Space { get; }

    /// <summary>What the costs measure.</summary>
    public CostMeasure Measure { get; }

    /// <summary>What every architecture costs.</summary>
    public long Fixed { get; }

    /// <summary>The cost of the cheapest architecture.</summary>
    public long Least { get; }

    /// <summary>The cost of the dearest architecture.</summary>
    public long Most { get; }

    /// <summary>The mean over all architectures.</summary>
    public double Mean => Fixed + _left.Sum(block => block.Average());

    /// <summary>The same costs, of a space of the same blocks that may be left with other alternatives.</summary>
    public CostTable In(SearchSpace space) => new(space, Fixed, _costs, Measure);

    /// <summary>The costs of a block's alternatives, of those that are left out too.</summary>
    public ReadOnlySpan<long> Of(int block) => _costs[block];

    /// <summary>The costs of the alternatives that a block is left with, in the order of <see cref="SearchSpace.Choices"/>.</summary>
    public ReadOnlySpan<long> LeftOf(int block) => _left[block];

    /// <summary>The cost of an architecture.</summary>
    public long Of(Architecture path) => Of(path.Blocks.AsSpan());

    /// <summary>The cost of an architecture that is given by its choices.</summary>
    public long Of(ReadOnlySpan<int> choices)
    {
        long cost = Fixed;
        for (int block = 0; block < choices.Length; block++) cost += _costs[block][choices[block]];
        return cost;
    }
}
