namespace Spos.Engine.Graphs;

/// <summary>The mean of each channel.</summary>
public sealed record GlobalAveragePoolOp : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => new(Only(inputs).Channels, 1, 1);

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"{inputs[0]}.mean(dim=(2, 3))";

    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Flatten", [graph.Node("GlobalAveragePool", inputs)], output);
}
