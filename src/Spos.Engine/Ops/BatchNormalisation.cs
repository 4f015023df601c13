using Spos.Engine.Autograd;
using Spos.Engine.Devices;
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
    /// <summary>
    /// Normalises with the statistics that <see cref="Session.BatchNorm"/> asks for. Takes over <paramref name="x"/>: with no
    /// tape it is written over in place.
    /// </summary>
    /// <param name="x">[N, H, W, C].</param>
    /// <returns>[N, H, W, C].</returns>
    public static Tensor Forward(Session session, Tensor x, BatchNormLayer layer, bool rectify)
    {
        int rows = x.Shape.Rows, channels = x.Shape.C;
        if (channels != layer.Channels) throw new ArgumentException($"{layer.Name} takes {layer.Channels} channels, got {x.Shape}.");
        // mean, 1/deviation, scale, shift
        Tensor statistics = session.Rent(new Shape(4, 1, 1, channels));
        using Tensor mean = Row(statistics, 0), inverse = Row(statistics, 1), scale = Row(statistics, 2), shift = Row(statistics, 3);
        if (session.BatchNorm == BatchNormMode.Batch)
        {
            Partition chunks = Chunks(session.Device, rows, channels);
            using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, 2, channels));
            session.LaunchSlices("batch_norm_statistics", chunks, channels, partials, x, rows, channels, chunks.RowsPerBlock);
            session.Launch(
                "batch_norm_finalize", WarpPerChannel(session.Device, channels), 1, mean, inverse, scale, shift, layer.RunningMean, layer.RunningVariance, partials,
                layer.Gamma?.Value, layer.Beta?.Value, rows, channels, chunks.RowsPerBlock, session.BatchNormMomentum, BatchNormLayer.Epsilon);
        }
        else
        {
            if (session.Tape != null) throw new InvalidOperationException("Training needs batch statistics.");
            Fold(session, layer, scale, shift);
        }
        Tensor y = session.Tape == null ? x : session.Rent(x.Shape);
        Partition partition = Partition.Elementwise(session.Device, rows, channels);
        session.LaunchSlices("batch_norm_apply", partition, channels, y, x, scale, shift, rows, channels, rectify, partition.RowsPerBlock);
        if (session.Tape == null) statistics.Dispose();
        else session.Tape.Record(new Step(x, statistics, layer, rectify, y));
        return y;
    }

    /// <summary>What running statistics come to: [2, 1, 1, C], scale and shift of each channel.</summary>
    internal static Tensor Fold(Session session, BatchNormLayer layer)
    {
        Tensor folded = session.Rent(new Shape(2, 1, 1, layer.Channels));
        using Tensor scale = Row(folded, 0), shift = Row(folded, 1);
        Fold(session, layer, scale, shift);
        return folded;
    }

    private static void Fold(Session session, BatchNormLayer layer, Tensor scale, Tensor shift) => session.Launch(
        "batch_norm_fold", 1, 1, scale, shift, layer.RunningMean, layer.RunningVariance, layer.Gamma?.Value, layer.Beta?.Value,
        layer.Channels, BatchNormLayer.Epsilon);

    private static Tensor Row(Tensor statistics, int row) =>
        statistics.View(Shape.Vector(statistics.Shape.C), (long)row * statistics.Shape.C);

    // On a CPU a slice's rows stay in the second-level cache: its channels are walked one lane at a time.
    private static Partition Chunks(Device device, int rows, int channels)
    {
        long values = (long)rows * channels;
        return Partition.Slices(device, rows, (int)Math.Clamp(values / 16384, 1, 64), (int)Math.Clamp(values / 4096, 1, 256));
    }

    // Blocks that give each channel a warp; on a CPU one block takes all.
    private static int WarpPerChannel(Device device, int channels) =>
        device.BlocksAreThreads ? 1 : Partition.OfRows(channels, device.ThreadsPerBlock / 32).Blocks;

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _x;
        private readonly Tensor _statistics;
        private readonly BatchNormLayer _layer;
        private readonly bool _rectify;

        public Step(Tensor x, Tensor statistics, BatchNormLayer layer, bool rectify, Tensor y)
            : base(y)
        {
            _x = Take(x);
            _statistics = Take(statistics);
            _layer = layer;
            _rectify = rectify;
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            int rows = _x.Shape.Rows, channels = _x.Shape.C;
            using Tensor mean = Row(_statistics, 0), inverse = Row(_statistics, 1), scale = Row(_statistics, 2), shift = Row(_statistics, 3);

            Partition chunks = Chunks(session.Device, rows, channels);
            using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, 2, channels));
            session.LaunchSlices("batch_norm_backward_sums", chunks, channels, partials, dy, _x, mean, scale, shift, rows, channels, _rectify, chunks.RowsPerBlock);

            using Tensor coefficients = session.Rent(new Shape(3, 1, 1, channels));
            bool accumulate = _layer.Gamma?.HasGradient ?? false;
            session.Launch(
                "batch_norm_backward_finalize", WarpPerChannel(session.Device, channels), 1, coefficients, _layer.Gamma?.Gradient, _layer.Beta?.Gradient, partials, inverse, scale,
                rows, channels, chunks.Blocks, accumulate);
            _layer.Gamma?.HasGradient = true;
            _layer.Beta?.HasGradient = true;

            Partition partition = Partition.Elementwise(session.Device, rows, channels);
            session.LaunchSlices(
                "batch_norm_backward_apply", partition, channels, dy, dy, _x, mean, scale, shift, coefficients, rows, channels, _rectify,
                partition.RowsPerBlock);
            gradients.Add(_x.Identity, dy.Retain());
        }
    }
}
