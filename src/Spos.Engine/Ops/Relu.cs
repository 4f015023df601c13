using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>y = max(x, 0). Kernels: relu_forward, relu_backward.</summary>
public static class Relu
{
    /// <param name="x">Any shape; the result has the same.</param>
    public static Tensor Forward(Pass pass, Tensor x)
    {
        Tensor y = pass.Rent(x.Shape);
        Partition partition = Partition.Flat(pass.Device, x.Shape.Count);
        pass.Grid(partition.Blocks).ReluForward(y, x, x.Shape.Count, partition.RowsPerBlock);
        pass.Tape?.Record(new Step(x, y));
        return y;
    }

    private sealed class Step : BackwardStep
    {
        private readonly long _input;
        private readonly Tensor _y;

        public Step(Tensor x, Tensor y)
            : base(y)
        {
            _input = x.Identity;
            _y = Hold(y);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            Partition partition = Partition.Flat(session.Device, dy.Shape.Count);
            session.Grid(partition.Blocks).ReluBackward(dy, dy, _y, dy.Shape.Count, partition.RowsPerBlock);
            gradients.Add(_input, dy.Retain());
        }
    }
}

/// <summary>y = max(x, 0).</summary>
public sealed record ReluOp : GraphOp
{
    public override string PytorchModule => "nn.ReLU()";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Relu", inputs, output);

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) => Relu.Forward(pass, inputs[0]);
}
