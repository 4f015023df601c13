using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>y = x·min(max(x + 3, 0), 6)/6. Kernels: hard_swish_forward, hard_swish_backward.</summary>
public static class HardSwish
{
    /// <param name="x">Any shape; the result has the same.</param>
    public static Tensor Forward(Pass pass, Tensor x)
    {
        Tensor y = pass.Rent(x.Shape);
        Partition partition = Partition.Flat(pass.Device, x.Shape.Count);
        pass.Grid(partition.Blocks).HardSwishForward(y, x, x.Shape.Count, partition.RowsPerBlock);
        pass.Tape?.Record(new Step(x, y));
        return y;
    }

    private sealed class Step : BackwardStep
    {
        private readonly long _input;
        private readonly Tensor _x;

        public Step(Tensor x, Tensor y)
            : base(y)
        {
            _input = x.Identity;
            _x = Hold(x);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            Partition partition = Partition.Flat(session.Device, dy.Shape.Count);
            session.Grid(partition.Blocks).HardSwishBackward(dy, dy, _x, dy.Shape.Count, partition.RowsPerBlock);
            gradients.Add(_input, dy.Retain());
        }
    }
}

/// <summary>y = x·min(max(x + 3, 0), 6)/6.</summary>
public sealed record HardSwishOp : GraphOp
{
    public override string PytorchModule => "nn.Hardswish()";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("HardSwish", inputs, output);

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) => HardSwish.Forward(pass, inputs[0]);
}
