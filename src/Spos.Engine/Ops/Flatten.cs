using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Images of one pixel as rows of channels: [N, C, 1, 1] becomes [N, C] in ONNX and PyTorch, whose linear layers take rows. Here the two
/// are the same, and nothing is done.
/// </summary>
public sealed record FlattenOp : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) =>
        Only(inputs) is { Height: 1, Width: 1 } pixel ? pixel : throw new ArgumentException($"{inputs[0]} is more than one pixel.");

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"{Operand(inputs[0])}.flatten(1)";

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Flatten", inputs, output);

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) => inputs[0].Retain();
}
