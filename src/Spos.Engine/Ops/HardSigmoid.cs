using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>y = min(max(x + 3, 0), 6)/6. Kernels: hard_sigmoid_forward, hard_sigmoid_backward.</summary>
public static class HardSigmoid
{
    /// <param name="x">Any shape; the result has the same.</param>
    public static Tensor Forward(Pass pass, Tensor x)
    {
        Tensor y = pass.Rent(x.Shape);
        Partition partition = Partition.Flat(pass.Device, x.Shape.Count);
        pass.Grid(partition.Blocks).HardSigmoidForward(y, x, x.Shape.Count, partition.RowsPerBlock);
        pass.Tape?.Record(new Step(x, y));
        return y;
    }

    // It keeps x: where y has been rounded to 0 or 1, x may lie between -3 and 3.
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
            session.Grid(partition.Blocks).HardSigmoidBackward(dy, dy, _x, dy.Shape.Count, partition.RowsPerBlock);
            gradients.Add(_input, dy.Retain());
        }
    }
}

/// <summary>y = min(max(x + 3, 0), 6)/6.</summary>
public sealed record HardSigmoidOp : GraphOp
{
    public override string PytorchModule => "nn.Hardsigmoid()";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("HardSigmoid", inputs, output, OnnxGraph.AttributeOf("alpha", 1f / 6), OnnxGraph.AttributeOf("beta", 0.5f));

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) => HardSigmoid.Forward(pass, inputs[0]);
}
