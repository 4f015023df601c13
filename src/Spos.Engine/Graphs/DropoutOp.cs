using System.Globalization;

namespace Spos.Engine.Graphs;

/// <summary>In training, each number becomes 0 with a probability p and else 1/(1 − p) of it; in inference nothing changes.</summary>
public sealed record DropoutOp(float Probability) : GraphOp
{
    public override string PytorchModule => $"nn.Dropout({Probability.ToString(CultureInfo.InvariantCulture)})";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    // Graphs are for inference.
    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) => inputs[0];
}
