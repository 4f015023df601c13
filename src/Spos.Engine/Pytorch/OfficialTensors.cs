using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Pytorch;

/// <summary>A tensor of a network under its name in the official checkpoints.</summary>
/// <param name="Sizes">In PyTorch's order: convolutions [out, in, y, x], the linear weight [out, in], vectors [C].</param>
internal sealed record OfficialTensor(string Name, long[] Sizes, Tensor Tensor)
{
    /// <summary>The batch norm whose last tensor this is, after which PyTorch has the layer's count of batches; else null.</summary>
    public BatchNormLayer? Layer { get; init; }

    /// <summary>Values in PyTorch's order to ours.</summary>
    public float[] FromTorch(float[] values) => Permute(values, (result, ours, torch) => result[ours] = values[torch]);

    /// <summary>Values in our order to PyTorch's.</summary>
    public float[] ToTorch(float[] values) => Permute(values, (result, ours, torch) => result[torch] = values[ours]);

    // Ours are [taps][in][out], PyTorch's [out][in][taps]; vectors are the same in both.
    private float[] Permute(float[] values, Action<float[], int, int> move)
    {
        if (Sizes.Length == 1) return values;
        int outputs = (int)Sizes[0], inputs = (int)Sizes[1], taps = values.Length / outputs / inputs;
        float[] result = new float[values.Length];
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
            {
                for (int t = 0; t < taps; t++) move(result, (t * inputs + i) * outputs + o, (o * inputs + i) * taps + t);
            }
        }
        return result;
    }
}

/// <summary>What the official checkpoints hold of a network, in their names and shapes.</summary>
internal static class OfficialTensors
{
    /// <summary>What PyTorch calls a batch norm's count of batches, beside its running statistics.</summary>
    public const string Counter = "num_batches_tracked";

    /// <summary>In the order of PyTorch's state dict: each layer's weights, then its statistics.</summary>
    public static IEnumerable<OfficialTensor> Of(ShuffleNetV2OneShot network) =>
        from node in network.States
        from array in node.Arrays
        select new OfficialTensor($"{node.Name}.{array.Tensor.Name}", [.. array.Tensor.Sizes], array.Values)
        {
            Layer = array.Tensor.Name == node.Op.Tensors[^1].Name ? node.State as BatchNormLayer : null,
        };
}
