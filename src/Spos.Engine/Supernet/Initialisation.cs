using Spos.Engine.Devices;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>How weights start.</summary>
public enum InitialisationScheme
{
    /// <summary>
    /// The official code's: normal with deviation 0.01 for the stem and the classifier, 1/(input channels of a group) for the
    /// other convolutions, so 1 for depthwise ones.
    /// </summary>
    Official,

    /// <summary>He et al.'s normal deviation √(2/fan), fan-out for dense convolutions and fan-in for depthwise ones.</summary>
    Kaiming,

    /// <summary>
    /// <see cref="Official"/>, but the three shuffle operations of a block start as the same function: equal pointwise
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
        foreach (ConvolutionUnit unit in network.Units)
        {
            float[] values = Normal(unit.Weight.Shape.Count, DeviationOf(unit.Convolution, scheme), seed, place++);
            unit.Weight.Value.Upload(stream, values);
            unit.BatchNorm.Gamma?.Value.Fill(stream, 1);
            unit.BatchNorm.Beta?.Value.Fill(stream, Beta);
        }
        network.Classifier.Value.Upload(stream, Normal(network.Classifier.Shape.Count, 0.01f, seed, place));
        if (scheme == InitialisationScheme.Aligned && network.Path == null) AlignShuffles(network, stream);
    }

    private static float DeviationOf(ConvolutionOp unit, InitialisationScheme scheme)
    {
        bool depthwise = unit.Kind == ConvolutionKind.Depthwise;
        if (scheme == InitialisationScheme.Kaiming)
        {
            return MathF.Sqrt(2f / (unit.Kernel * unit.Kernel * (depthwise ? 1 : unit.Outputs)));
        }
        return unit.Kind == ConvolutionKind.Stem ? 0.01f : 1f / (depthwise ? 1 : unit.Inputs);
    }

    private static void AlignShuffles(ShuffleNetV2OneShot network, DeviceStream stream)
    {
        for (int block = 0; block < network.Spec.Blocks; block++)
        {
            Operation small = network.OperationAt(block, Choice.Shuffle3);
            foreach (Choice choice in new[] { Choice.Shuffle5, Choice.Shuffle7 })
            {
                Operation large = network.OperationAt(block, choice);
                foreach ((ConvolutionUnit from, ConvolutionUnit to) in small.Main.Concat(small.Projection)
                    .Zip(large.Main.Concat(large.Projection)))
                {
                    to.Weight.Value.Upload(stream, Embed(from.Weight.Value.Download(stream), from.Weight.Shape, to.Weight.Shape));
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
