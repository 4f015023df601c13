using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Each channel of an image times a factor of its own, as squeeze-and-excitation has it: y[n,h,w,c] = x[n,h,w,c]·s[n,c].
/// Kernels: channel_scale_forward, channel_scale_backward.
/// </summary>
public static class ChannelScale
{
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="s">[N, 1, 1, C].</param>
    /// <returns>[N, H, W, C].</returns>
    public static Tensor Forward(Pass pass, Tensor x, Tensor s)
    {
        if (s.Shape != Shape.Matrix(x.Shape.N, x.Shape.C))
        {
            throw new ArgumentException($"{s.Shape} cannot scale the channels of {x.Shape}.");
        }
        Tensor y = pass.Rent(x.Shape);
        Parts parts = Parts.Of(pass.Device, x.Shape);
        parts.Grid(pass.Session).ChannelScaleForward(y, x, s, x.Shape.N, x.Shape.H * x.Shape.W, x.Shape.C, parts.Rows);
        pass.Tape?.Record(new Step(x, s, y));
        return y;
    }

    // How each image is cut into parts, and the slices that take them in turn.
    private readonly record struct Parts(int Rows, int OfImage, int Slices, int Channels)
    {
        // A part of an image has no fewer values on a CPU, and no fewer rows for each thread of a GPU.
        private const int LeastValues = 16384, LeastRows = 4;

        public static Parts Of(Device device, Shape x)
        {
            int rows = x.H * x.W;
            ChannelTiles tiles = ChannelTiles.Of(device, x.C);
            (int wanted, int least, int multiple, int most) = device.BlocksAreThreads
                ? (64, Partition.Ceiling(LeastValues, x.C), 1, 256)
                : (Partition.Ceiling(8 * device.ResidentBlocks, tiles.Count), LeastRows * tiles.ThreadRows, tiles.ThreadRows,
                    Math.Max(1, 16 * device.ResidentBlocks / tiles.Count));
            Partition cut = Partition.Of(rows, Math.Min(Partition.Ceiling(wanted, x.N), rows / least), multiple);
            return new Parts(cut.RowsPerBlock, cut.Blocks, Math.Min(x.N * cut.Blocks, most), x.C);
        }

        public LaunchGrid Grid(Session session) => session.Slices(new Partition(Rows, Slices), Channels);
    }

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _x;
        private readonly Tensor _s;

        public Step(Tensor x, Tensor s, Tensor y)
            : base(y)
        {
            _x = Hold(x);
            _s = Hold(s);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0], ds = session.Rent(_s.Shape);
            Shape shape = dy.Shape;
            Parts parts = Parts.Of(session.Device, shape);
            using Tensor partials = parts.OfImage == 1 ? ds.Retain() : session.Rent(new Shape(parts.OfImage, shape.N, 1, shape.C));
            parts.Grid(session).ChannelScaleBackward(dy, partials, dy, _x, _s, shape.N, shape.H * shape.W, shape.C, parts.Rows);
            if (parts.OfImage > 1) PartialSums.Reduce(session, ds, partials, accumulate: false);
            gradients.Add(_x.Identity, dy.Retain());
            gradients.Add(_s.Identity, ds);
        }
    }
}

/// <summary>The first input's channels times the second input's one pixel.</summary>
public sealed record ChannelScaleOp : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        if (inputs.Length != 2) throw new ArgumentException($"{inputs.Length} inputs, where two are taken.");
        if (inputs[1] != new FeatureShape(inputs[0].Channels, 1, 1))
        {
            throw new ArgumentException($"{inputs[1]} cannot scale the channels of {inputs[0]}.");
        }
        return inputs[0];
    }

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"{Operand(inputs[0])} * {Operand(inputs[1])}";

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Mul", inputs, output);

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        ChannelScale.Forward(pass, inputs[0], inputs[1]);
}
