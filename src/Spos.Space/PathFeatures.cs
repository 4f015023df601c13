namespace Spos.Space;

/// <summary>
/// What a model sees of a path: for each block which operation it has and which channel scale, each as zeros and a one, and its costs.
/// Costs are centred and divided by their standard deviation over the paths that the model learns from.
/// </summary>
internal sealed class PathFeatures
{
    private readonly SearchSpace _space;
    private readonly CostTable[] _costs;
    private readonly double[] _means, _deviations;

    // Where each block's operations begin; their scales follow.
    private readonly int[] _first;

    public PathFeatures(SearchSpace space, IReadOnlyList<CostTable> costs, IReadOnlyList<Architecture> learned)
    {
        (_space, _costs, _first) = (space, [.. costs], new int[space.Blocks.Length]);
        int scales = space.HasScales ? ChannelScales.Count : 0;
        for (int block = 0; block < _first.Length; block++)
        {
            _first[block] = Count;
            Count += space.OperationsOf(block) + scales;
        }
        Count += _costs.Length;
        _means = [.. _costs.Select(cost => learned.Average(path => (double)cost.Of(path)))];
        _deviations = [.. _costs.Zip(_means, (cost, mean) => Math.Sqrt(learned.Average(path => Math.Pow(cost.Of(path) - mean, 2))))];
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>Those of a path.</summary>
    public double[] Of(Architecture path)
    {
        double[] features = new double[Count];
        foreach ((int block, int operation) in path.Operations.Index()) features[_first[block] + operation] = 1;
        foreach ((int block, int scale) in path.Scales.Index()) features[_first[block] + _space.OperationsOf(block) + scale] = 1;
        for (int i = 0; i < _costs.Length; i++)
        {
            // What is the same for all paths tells nothing.
            double away = _costs[i].Of(path) - _means[i];
            features[Count - _costs.Length + i] = _deviations[i] > 0 ? away / _deviations[i] : 0;
        }
        return features;
    }
}
