using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// The parameters of a single path as it is trained from scratch: with the scale and shift of each batch norm, and with the classifier. A
/// batch norm's running mean and variance are not counted.
/// </summary>
public static class NetworkParameters
{
    /// <summary>What all paths have in common: stem, last convolution and classifier; and each operation of each block.</summary>
    /// <exception cref="ArgumentException">A size of the network is impossible.</exception>
    public static CostTable Of(NetworkSpec spec)
    {
        spec.Validate();
        return NetworkGraph.CostsOf(spec with { Affine = true }, (graph, _) => graph.Parameters, CostMeasure.Parameters);
    }
}
