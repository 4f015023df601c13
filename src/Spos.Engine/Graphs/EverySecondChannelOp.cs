namespace Spos.Engine.Graphs;

/// <summary>Channels <paramref name="First"/>, First + 2, First + 4, … of an even number: a half of ShuffleNetV2's channel shuffle.</summary>
/// <param name="First">0 or 1.</param>
public sealed record EverySecondChannelOp(int First) : GraphOp
{
    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        FeatureShape x = Only(inputs);
        return x.Channels % 2 == 0 ? x with { Channels = x.Channels / 2 } : throw new ArgumentException($"{x.Channels} channels cannot be halved.");
    }

    public override string PytorchExpression(IReadOnlyList<string> inputs) => $"{inputs[0]}[:, {First}::2]";

    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) => graph.Node(
        "Slice",
        [
            inputs[0], graph.Constant($"slice.from{First}", First), graph.Constant("slice.end", int.MaxValue), graph.Constant("slice.channels", 1),
            graph.Constant("slice.two", 2),
        ],
        output);
}
