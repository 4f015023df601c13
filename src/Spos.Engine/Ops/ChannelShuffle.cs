using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Channel shuffle with two groups and the split after it: even channels pass by, odd ones go through the block
/// (arXiv 1807.11164, figure 3). Kernels: channel_split, channel_merge.
/// </summary>
public static class ChannelShuffle
{
    /// <param name="x">[N, H, W, C], C even.</param>
    /// <returns>Two tensors [N, H, W, C/2].</returns>
    public static (Tensor Even, Tensor Odd) Forward(Pass pass, Tensor x)
    {
        Shape half = x.Shape.WithChannels(x.Shape.C / 2);
        Tensor even = pass.Rent(half, x.ElementType), odd = pass.Rent(half, x.ElementType);
        Split(pass.Session, even, odd, x);
        pass.Tape?.Record(new Step(x, even, odd));
        return (even, odd);
    }

    /// <param name="even">Its first C/2 channels are overwritten; others that it has are left as they are.</param>
    /// <param name="odd">[N, H, W, C/2], overwritten.</param>
    /// <param name="x">[N, H, W, C], C even.</param>
    internal static void Split(Session session, Tensor even, Tensor odd, Tensor x)
    {
        (int rows, int half) = (x.Shape.Rows, x.Shape.C / 2);
        Partition partition = Partition.Elementwise(session.Device, rows, x.Shape.C);
        session.Slices(partition, half).ChannelSplit(even, odd, x, rows, half, even.Shape.C, partition.RowsPerBlock);
    }

    private sealed class Step(Tensor x, Tensor even, Tensor odd) : BackwardStep(even, odd)
    {
        private readonly long _input = x.Identity;
        private readonly Shape _shape = x.Shape;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dx = session.Rent(_shape);
            Partition partition = Partition.Elementwise(session.Device, dx.Shape.Rows, dx.Shape.C);
            session.Slices(partition, dx.Shape.C / 2)
                .ChannelMerge(dx, outputGradients[0], outputGradients[1], dx.Shape.Rows, dx.Shape.C / 2, partition.RowsPerBlock);
            gradients.Add(_input, dx);
        }
    }
}

/// <summary>
/// Channels <paramref name="First"/>, First + 2, First + 4, … of an even number: a half of ShuffleNetV2's channel shuffle.
/// </summary>
/// <param name="First">0 or 1.</param>
public sealed record EverySecondChannelOp(int First) : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        FeatureShape x = Only(inputs);
        return x.Channels % 2 == 0
            ? x with { Channels = x.Channels / 2 }
            : throw new ArgumentException($"{x.Channels} channels cannot be halved.");
    }

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"{Operand(inputs[0])}[:, {First}::2]";

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node(
            "Slice",
            [
                inputs[0], graph.Constant($"slice.from{First}", First), graph.Constant("slice.end", int.MaxValue),
                graph.Constant("slice.channels", 1),
                graph.Constant("slice.two", 2),
            ],
            output);

    // One kernel makes both halves.
    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        throw new NotSupportedException("Both halves of the channels are needed.");
}
