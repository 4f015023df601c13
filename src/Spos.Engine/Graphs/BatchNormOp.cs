using System.Collections.Immutable;

namespace Spos.Engine.Graphs;

/// <summary>Batch norm by running statistics: y = γ · (x − mean) / √(variance + ε) + β, where γ is 1 and β is 0 without affine parameters.</summary>
public sealed record BatchNormOp(int Channels, bool IsAffine, float Epsilon) : GraphOp
{
    private const float PytorchEpsilon = 1e-5f;

    private OpTensor Gamma => new("weight", [Channels], IsTrained: true);

    private OpTensor Beta => new("bias", [Channels], IsTrained: true);

    private OpTensor Mean => new("running_mean", [Channels], IsTrained: false);

    private OpTensor Variance => new("running_var", [Channels], IsTrained: false);

    public override ImmutableArray<OpTensor> Tensors => IsAffine ? [Gamma, Beta, Mean, Variance] : [Mean, Variance];

    public override string PytorchModule =>
        $"nn.BatchNorm2d({Channels}{(Epsilon == PytorchEpsilon ? "" : FormattableString.Invariant($", eps={Epsilon}"))}{(IsAffine ? "" : ", affine=False")})";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) =>
        Only(inputs) is { } x && x.Channels == Channels ? x : throw new ArgumentException($"{inputs[0].Channels} channels go into a batch norm of {Channels}.");

    internal override string ToOnnx(OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null)
    {
        string Part(OpTensor part, float[] numbers) => graph.Weight($"{name}.{part.Name}", part.Sizes, numbers);
        return graph.Node(
            "BatchNormalization",
            [inputs[0], Part(Gamma, GammaOf(values)), Part(Beta, BetaOf(values)), Part(Mean, values(Mean)), Part(Variance, values(Variance))],
            output,
            OnnxGraph.AttributeOf("epsilon", Epsilon));
    }

    /// <summary>The batch norm as y = scale · x + shift.</summary>
    /// <param name="values">The values of its tensors.</param>
    internal (double[] Scale, float[] Shift) Fold(Func<OpTensor, float[]> values)
    {
        float[] gamma = GammaOf(values), beta = BetaOf(values), mean = values(Mean), variance = values(Variance);
        double[] scale = [.. gamma.Select((g, c) => g / Math.Sqrt(variance[c] + (double)Epsilon))];
        return (scale, [.. scale.Select((s, c) => (float)(beta[c] - mean[c] * s))]);
    }

    private float[] GammaOf(Func<OpTensor, float[]> values) => IsAffine ? values(Gamma) : [.. Enumerable.Repeat(1f, Channels)];

    private float[] BetaOf(Func<OpTensor, float[]> values) => IsAffine ? values(Beta) : new float[Channels];
}
