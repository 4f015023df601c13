using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Batch normalisation over N, H and W, optionally with ReLU after it:
/// y = f(γ·(x − mean)/√(var + ε) + β). Kernels: batch_norm_*.
/// </summary>
public static class BatchNormalisation
{
    // The rows of a table of statistics.
    private const int Mean = 0, Inverse = 1, Scale = 2, Shift = 3, Rows = 4;

    /// <summary>Normalises with the statistics that the pass asks for.</summary>
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="inPlace">Whether the result may take the place of <paramref name="x"/>; it does where no backward follows.</param>
    /// <returns>[N, H, W, C].</returns>
    public static Tensor Forward(Pass pass, Tensor x, BatchNormLayer layer, bool rectify, bool inPlace = false)
    {
        if (x.Shape.C != layer.Channels) throw new ArgumentException($"{layer.Name} takes {layer.Channels} channels, got {x.Shape}.");
        Session session = pass.Session;
        if (pass.BatchNorm == BatchNormMode.Running)
        {
            using Tensor folded = FoldedBatchNorms.Get(session, layer);
            Tensor normalised = Target();
            Apply(session, normalised, x, Row(folded, 0), Row(folded, 1), rectify);
            return normalised;
        }
        Tensor statistics = BatchStatistics(session, layer, x);
        Tensor y = Target();
        Apply(session, y, x, statistics, rectify);
        if (pass.Tape is { } tape) tape.Record(new Step(new PendingTensor(x, statistics, layer, rectify), y));
        else statistics.Dispose();
        return y;

        Tensor Target() => inPlace && pass.Tape == null ? x.Retain() : session.Rent(x.Shape);
    }

    private static Tensor BatchStatistics(Session session, BatchNormLayer layer, Tensor x)
    {
        (int rows, int channels) = (x.Shape.Rows, x.Shape.C);
        Partition chunks = Chunks(session.Device, rows, channels);
        using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, 2, channels));
        session.Slices(chunks, channels).BatchNormStatistics(partials, x, rows, channels, chunks.RowsPerBlock);
        return Finalize(session, layer, partials, x.Shape, chunks.RowsPerBlock);
    }

    /// <summary>
    /// The statistics of a tensor of shape <paramref name="shape"/> from its slices' partial ones; running statistics follow.
    /// </summary>
    /// <returns>[4, 1, 1, C]: mean, 1/deviation, scale and shift.</returns>
    internal static Tensor Finalize(Session session, BatchNormLayer layer, Tensor partials, Shape shape, int rowsPerSlice)
    {
        Tensor statistics = session.Rent(new Shape(Rows, 1, 1, shape.C));
        session.OnHost(layer.CountBatch);
        session.Recording?.Vary("momentum");
        session.Grid(WarpPerChannel(session.Device, shape.C)).BatchNormFinalize(
            Row(statistics, Mean), Row(statistics, Inverse), Row(statistics, Scale), Row(statistics, Shift),
            layer.RunningMean, layer.RunningVariance, partials, layer.Gamma?.Value, layer.Beta?.Value,
            shape.Rows, shape.C, rowsPerSlice, session.BatchNormMomentum, BatchNormLayer.Epsilon);
        return statistics;
    }

    /// <summary>
    /// The coefficients [3, 1, 1, C] that make the gradient of raw values from that of what becomes of them, from sums that a kernel has
    /// left, [slices, 1, 2, C]; the layer's own gradients are added to.
    /// </summary>
    /// <param name="rows">Of the values.</param>
    internal static Tensor Coefficients(Session session, BatchNormLayer layer, Tensor statistics, int rows, Tensor sums)
    {
        (int channels, int slices) = (statistics.Shape.C, sums.Shape.N);
        Tensor coefficients = session.Rent(new Shape(3, 1, 1, channels));
        (Parameter? gamma, Parameter? beta) = (layer.Gamma, layer.Beta);
        session.Grid(WarpPerChannel(session.Device, channels)).BatchNormBackwardFinalize(
            coefficients, gamma?.Gradient, beta?.Gradient, sums, Row(statistics, Inverse), Row(statistics, Scale),
            rows, channels, slices, gamma?.Accumulates(session) ?? false);
        beta?.HasGradient = true;
        return coefficients;
    }

    /// <summary>Normalises <paramref name="x"/> to <paramref name="y"/>, which may be the same.</summary>
    internal static void Apply(Session session, Tensor y, Tensor x, Tensor statistics, bool rectify) =>
        Apply(session, y, x, Row(statistics, Scale), Row(statistics, Shift), rectify);

    private static void Apply(Session session, Tensor y, Tensor x, DeviceSpan<float> scale, DeviceSpan<float> shift, bool rectify)
    {
        (int rows, int channels) = (x.Shape.Rows, x.Shape.C);
        Partition partition = Partition.Elementwise(session.Device, rows, channels);
        session.Slices(partition, channels).BatchNormApply(y, x, scale, shift, rows, channels, rectify, partition.RowsPerBlock);
    }

    /// <summary>
    /// The sums that <see cref="Coefficients"/> takes, [slices, 1, 2, C], of the gradient of what becomes of <paramref name="x"/>.
    /// </summary>
    internal static Tensor GradientSums(Session session, Tensor dy, Tensor x, Tensor statistics, bool rectify)
    {
        (int rows, int channels) = (dy.Shape.Rows, dy.Shape.C);
        Partition chunks = Chunks(session.Device, rows, channels);
        Tensor sums = session.Rent(new Shape(chunks.Blocks, 1, 2, channels));
        session.Slices(chunks, channels).BatchNormBackwardSums(sums, dy, x, statistics, rows, channels, rectify, chunks.RowsPerBlock);
        return sums;
    }

    private static DeviceSpan<float> Row(Tensor statistics, int row) => statistics.From((long)row * statistics.Shape.C);

    // On a CPU a slice's rows stay in the second-level cache: its channels are walked one lane at a time.
    internal static Partition Chunks(Device device, int rows, int channels) =>
        Partition.Slices(device, rows, channels, (int)Math.Clamp((long)rows * channels / 16384, 1, 64), waves: 2);

    // Blocks that give each channel a warp; on a CPU one block takes all.
    private static int WarpPerChannel(Device device, int channels) =>
        device.BlocksAreThreads ? 1 : Partition.OfRows(channels, device.ThreadsPerBlock / 32).Blocks;

    private sealed class Step : BackwardStep
    {
        private readonly PendingTensor _x;

        public Step(PendingTensor x, Tensor y)
            : base(y)
        {
            _x = x with { Raw = Hold(x.Raw) };
            Take(x.Statistics);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            int rows = dy.Shape.Rows, channels = dy.Shape.C;
            using Tensor sums = GradientSums(session, dy, _x.Raw, _x.Statistics, _x.Rectify);
            using Tensor coefficients = Coefficients(session, _x.Layer, _x.Statistics, rows, sums);
            Partition partition = Partition.Elementwise(session.Device, rows, channels);
            session.Slices(partition, channels).BatchNormBackwardApply(
                dy, dy, _x.Raw, Row(_x.Statistics, Mean), Row(_x.Statistics, Scale), Row(_x.Statistics, Shift), coefficients,
                rows, channels, _x.Rectify, partition.RowsPerBlock);
            gradients.Add(_x.Raw.Identity, dy.Retain());
        }
    }
}

/// <summary>
/// Batch norm by running statistics: y = γ · (x − mean) / √(variance + ε) + β, where γ is 1 and β is 0 without affine parameters.
/// </summary>
public sealed record BatchNormOp(int Channels, bool IsAffine, float Epsilon) : GraphOp
{
    private const float PytorchEpsilon = 1e-5f;

    private OpTensor Gamma => new("weight", [Channels], IsTrained: true);

    private OpTensor Beta => new("bias", [Channels], IsTrained: true);

    private OpTensor Mean => new("running_mean", [Channels], IsTrained: false);

    private OpTensor Variance => new("running_var", [Channels], IsTrained: false);

    public override ImmutableArray<OpTensor> Tensors => IsAffine ? [Gamma, Beta, Mean, Variance] : [Mean, Variance];

    public override string PytorchModule =>
        $"nn.BatchNorm2d({Channels}{(Epsilon == PytorchEpsilon ? "" : FormattableString.Invariant($", eps={Epsilon}"))}"
        + $"{(IsAffine ? "" : ", affine=False")})";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) =>
        Only(inputs) is { } x && x.Channels == Channels
            ? x
            : throw new ArgumentException($"{inputs[0].Channels} channels go into a batch norm of {Channels}.");

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null)
    {
        string Part(OpTensor part, float[] numbers) => graph.Weight($"{name}.{part.Name}", part.Sizes, numbers);
        return graph.Node(
            "BatchNormalization",
            [
                inputs[0], Part(Gamma, GammaOf(values)), Part(Beta, BetaOf(values)), Part(Mean, values(Mean)),
                Part(Variance, values(Variance)),
            ],
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

    /// <exception cref="NotSupportedException">Kernels are given another epsilon.</exception>
    internal override object NewState(string name, ParameterGroup group) => Epsilon == BatchNormLayer.Epsilon
        ? new BatchNormLayer(name, Channels, IsAffine, group)
        : throw new NotSupportedException($"{name}: a batch norm's epsilon is {BatchNormLayer.Epsilon} here, not {Epsilon}.");

    internal override IEnumerable<Tensor> ArraysOf(object state)
    {
        var layer = (BatchNormLayer)state;
        return IsAffine
            ? [layer.Gamma!.Value, layer.Beta!.Value, layer.RunningMean, layer.RunningVariance]
            : [layer.RunningMean, layer.RunningVariance];
    }

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        BatchNormalisation.Forward(pass, inputs[0], (BatchNormLayer)state!, rectify: false);
}
