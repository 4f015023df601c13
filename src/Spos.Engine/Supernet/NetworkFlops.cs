using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// The FLOPs of a network, computed from the shapes. As in the paper one FLOP is one multiply-add of a convolution or the classifier;
/// batch norm and activations are not counted.
/// </summary>
public static class NetworkFlops
{
    /// <summary>The window that the paper's supernet is trained in, and the parts that NNI's trainer divides it into.</summary>
    public const double OfficialLow = 290e6, OfficialHigh = 360e6;

    public const int OfficialBins = 7;

    /// <summary>What all paths have in common: stem, last convolution and classifier; and each operation of each block.</summary>
    /// <exception cref="ArgumentException">A size of the network is impossible.</exception>
    public static CostTable Of(NetworkSpec spec)
    {
        spec.Validate();
        return NetworkGraph.CostsOf(spec, (graph, input) => graph.MultiplyAddsOn(input), CostMeasure.Flops);
    }
}
