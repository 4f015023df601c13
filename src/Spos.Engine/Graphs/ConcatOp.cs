namespace Spos.Engine.Graphs;

/// <summary>The channels of all inputs, one input after the other.</summary>
public sealed record ConcatOp : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        if (inputs.IsEmpty) throw new ArgumentException("Nothing is concatenated.");
        int channels = 0;
        foreach (FeatureShape x in inputs)
        {
            if (x.Height != inputs[0].Height || x.Width != inputs[0].Width) throw new ArgumentException($"{x} and {inputs[0]} are of different sizes.");
            channels += x.Channels;
        }
        return inputs[0] with { Channels = channels };
    }

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"torch.cat(({string.Join(", ", inputs)}), dim=1)";

    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node("Concat", inputs, output, OnnxGraph.Attribute("axis", 1));
}
