using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>The mean over each image's pixels. Kernels: global_average_pool_{forward,backward}.</summary>
public static class GlobalAveragePool
{
    /// <param name="x">[N, H, W, C], floats or bf16.</param>
    /// <returns>[N, 1, 1, C], floats.</returns>
    public static Tensor Forward(Pass pass, Tensor x)
    {
        Tensor y = pass.Rent(Shape.Matrix(x.Shape.N, x.Shape.C));
        pass.Grid(x.Shape.N).GlobalAveragePoolForward(y, x, x.Shape.H * x.Shape.W, x.Shape.C);
        pass.Tape?.Record(new Step(x, y));
        return y;
    }

    private sealed class Step(Tensor x, Tensor y) : BackwardStep(y)
    {
        private readonly long _input = x.Identity;
        private readonly Shape _shape = x.Shape;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dx = session.Rent(_shape);
            session.Grid(_shape.N).GlobalAveragePoolBackward(dx, outputGradients[0], _shape.H * _shape.W, _shape.C);
            gradients.Add(_input, dx);
        }
    }
}

/// <summary>The mean of each channel.</summary>
/// <param name="KeepsPixel">Whether ONNX and PyTorch get [N, C, 1, 1], or [N, C] as a linear layer takes it; here it is the same.</param>
public sealed record GlobalAveragePoolOp(bool KeepsPixel = false) : GraphOp
{
    public override string? PytorchModule => KeepsPixel ? "nn.AdaptiveAvgPool2d(1)" : null;

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => new(Only(inputs).Channels, 1, 1);

    public override string PytorchExpression(IReadOnlyList<string> inputs) =>
        $"{Operand(inputs[0])}.mean(dim=(2, 3){(KeepsPixel ? ", keepdim=True" : "")})";

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        KeepsPixel
            ? graph.Node("GlobalAveragePool", inputs, output)
            : graph.Node("Flatten", [graph.Node("GlobalAveragePool", inputs)], output);

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) => GlobalAveragePool.Forward(pass, inputs[0]);
}
