namespace Spos.Engine.Graphs;

/// <summary>y = max(x, 0).</summary>
public sealed record ReluOp : GraphOp
{
    public override string PytorchModule => "nn.ReLU()";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Relu", inputs, output);
}
