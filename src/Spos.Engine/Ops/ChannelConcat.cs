using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Concatenation along channels. Kernels: channel_concat, channel_cut.</summary>
public static class ChannelConcat
{
    /// <param name="a">[N, H, W, A].</param>
    /// <param name="b">[N, H, W, B].</param>
    /// <returns>[N, H, W, A+B].</returns>
    public static Tensor Forward(Pass pass, Tensor a, Tensor b)
    {
        if (a.Shape.WithChannels(1) != b.Shape.WithChannels(1))
        {
            throw new ArgumentException($"{a.Shape} and {b.Shape} cannot be concatenated.");
        }
        Tensor y = pass.Rent(a.Shape.WithChannels(a.Shape.C + b.Shape.C));
        Partition partition = Partition.Elementwise(pass.Device, y.Shape.Rows, y.Shape.C);
        pass.Slices(partition, Math.Max(a.Shape.C, b.Shape.C))
            .ChannelConcat(y, a, b, y.Shape.Rows, a.Shape.C, b.Shape.C, partition.RowsPerBlock);
        pass.Tape?.Record(new Step(a, b, y));
        return y;
    }

    private sealed class Step(Tensor a, Tensor b, Tensor y) : BackwardStep(y)
    {
        private readonly (long Identity, Shape Shape) _a = (a.Identity, a.Shape);
        private readonly (long Identity, Shape Shape) _b = (b.Identity, b.Shape);

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Shape y = outputGradients[0].Shape;
            Tensor da = session.Rent(_a.Shape), db = session.Rent(_b.Shape);
            Partition partition = Partition.Elementwise(session.Device, y.Rows, y.C);
            session.Slices(partition, Math.Max(_a.Shape.C, _b.Shape.C))
                .ChannelCut(da, db, outputGradients[0], y.Rows, _a.Shape.C, _b.Shape.C, partition.RowsPerBlock);
            gradients.Add(_a.Identity, da);
            gradients.Add(_b.Identity, db);
        }
    }
}

/// <summary>The channels of all inputs, one input after the other.</summary>
public sealed record ConcatOp : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        if (inputs.IsEmpty) throw new ArgumentException("Nothing is concatenated.");
        int channels = 0;
        foreach (FeatureShape x in inputs)
        {
            if (x.Height != inputs[0].Height || x.Width != inputs[0].Width)
            {
                throw new ArgumentException($"{x} and {inputs[0]} are of different sizes.");
            }
            channels += x.Channels;
        }
        return inputs[0] with { Channels = channels };
    }

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"torch.cat(({string.Join(", ", inputs)}), dim=1)";

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Concat", inputs, output, OnnxGraph.Attribute("axis", 1));

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state)
    {
        if (inputs.Length != 2) throw new NotSupportedException($"{inputs.Length} inputs: two are concatenated.");
        return ChannelConcat.Forward(pass, inputs[0], inputs[1]);
    }
}
