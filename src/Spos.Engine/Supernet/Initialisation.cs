using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>How weights start.</summary>
public enum InitialisationScheme
{
    /// <summary>
    /// The official code's: normal with deviation 0.01 for the stem, squeeze-and-excitation and the classifier, 1/(input channels of a
    /// group) for the other convolutions, so 1 for depthwise ones.
    /// </summary>
    Official,

    /// <summary>He et al.'s normal deviation √(2/fan), fan-out for dense convolutions and fan-in for depthwise ones.</summary>
    Kaiming,

    /// <summary>
    /// <see cref="Official"/>, but designs of a block that differ in their kernels alone start as the same function: equal pointwise
    /// weights, and the 3×3 kernel in the middle of the zeros of the 5×5 and 7×7 ones.
    /// </summary>
    Aligned,
}

/// <summary>Fills a network's weights; a parameter's values depend on the seed and its place alone.</summary>
public static class Initialisation
{
    // The official code's value for β.
    private const float Beta = 0.0001f;

    public static void Initialise(ShuffleNetV2OneShot network, DeviceStream stream, ulong seed, InitialisationScheme scheme)
    {
        ulong place = 0;
        foreach (NodeState node in network.States)
        {
            if (node.State is BatchNormLayer layer)
            {
                layer.Gamma?.Value.Fill(stream, 1);
                layer.Beta?.Value.Fill(stream, Beta);
                continue;
            }
            var weight = (Parameter)node.State;
            weight.Value.Upload(stream, Normal(weight.Shape.Count, DeviationOf(node, scheme), seed, place++));
        }
        if (scheme == InitialisationScheme.Aligned && network.Path == null) AlignKernels(network, stream);
    }

    private static float DeviationOf(NodeState node, InitialisationScheme scheme)
    {
        const float small = 0.01f;
        if (node.Op is not ConvolutionOp convolution) return small;
        bool depthwise = convolution.Kind == ConvolutionKind.Depthwise;
        if (scheme == InitialisationScheme.Kaiming)
        {
            return MathF.Sqrt(2f / (convolution.Kernel * convolution.Kernel * (depthwise ? 1 : convolution.Outputs)));
        }
        bool startsSmall = convolution.Kind == ConvolutionKind.Stem || node.Name.Contains(NetworkGraph.Squeeze, StringComparison.Ordinal);
        return startsSmall ? small : 1f / (depthwise ? 1 : convolution.Inputs);
    }

    private static void AlignKernels(ShuffleNetV2OneShot network, DeviceStream stream)
    {
        var designs = network.Spec.BlockSet.Designs;
        foreach ((int choice, BlockDesign design) in designs.Index())
        {
            // The first of those that differ in their kernels alone has the smallest.
            int first = designs.Index().First(other => other.Item with { Name = design.Name, Kernel = design.Kernel } == design).Index;
            // Those of fewer channels have parts of the others' weights.
            if (first == choice || design.Scale is not (null or ChannelScales.Widest)) continue;
            for (int block = 0; block < network.Spec.Blocks; block++)
            {
                foreach ((NodeState from, NodeState to) in
                    network.OperationAt(block, first).States.Zip(network.OperationAt(block, choice).States))
                {
                    if (from.State is not Parameter small) continue;
                    var large = (Parameter)to.State;
                    large.Value.Upload(stream, Embed(small.Value.Download(stream), small.Shape, large.Shape));
                }
            }
        }
    }

    // The smaller kernel in the middle of the larger one; equal shapes are copied.
    private static float[] Embed(float[] values, Shape from, Shape to)
    {
        if (from == to) return values;
        float[] result = new float[to.Count];
        int margin = (to.N - from.N) / 2, row = from.W * from.C;
        for (int y = 0; y < from.N; y++)
        {
            for (int x = 0; x < from.H; x++)
            {
                Array.Copy(values, (y * from.H + x) * row, result, ((y + margin) * to.H + x + margin) * row, row);
            }
        }
        return result;
    }

    private static float[] Normal(long count, float deviation, ulong seed, ulong place)
    {
        var random = new CounterRandom(seed, RandomPurpose.Weights, place);
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++) values[i] = deviation * random.NextNormal();
        return values;
    }
}
