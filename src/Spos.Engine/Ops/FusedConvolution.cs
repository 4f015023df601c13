using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>A convolution's raw result [N, H, W, C], whose batch norm (and ReLU) is applied by whoever loads it.</summary>
/// <param name="Statistics">[4, 1, 1, C]: mean, 1/deviation, scale and shift.</param>
internal readonly record struct PendingTensor(Tensor Raw, Tensor Statistics, BatchNormLayer Layer, bool Rectify) : IDisposable
{
    public void Dispose()
    {
        Raw.Dispose();
        Statistics.Dispose();
    }
}

/// <summary>What a fused convolution reads: values as they are, or a pending result.</summary>
internal readonly record struct FusedInput(Tensor Values, PendingTensor? Pending)
{
    public FusedInput(PendingTensor pending)
        : this(pending.Raw, pending)
    {
    }
}

/// <summary>
/// Training's convolutions among batch norms, each pass one kernel: batch norm and ReLU are applied on load, forward and backward, and
/// the sums that batch norm needs are taken while results are in the cache. The same, up to rounding, as <see cref="Convolution"/> and
/// <see cref="BatchNormalisation"/> after each other. Kernels: {pointwise,depthwise}_fused_{forward,backward}.
/// </summary>
internal static class FusedConvolution
{
    // kStagedValues of kernels/host/pointwise_fused.h: a row of inputs and outputs must fit.
    private const int MostChannels = 65536;

    /// <summary>Whether the session's mode and plan ask for it.</summary>
    public static bool Applies(Session session) =>
        session.BatchNorm == BatchNormMode.Batch && ConvolutionPlanner.Of(session).Plan == ConvolutionPlan.Fused;

    /// <summary>The convolution, and the statistics of the batch norm after it.</summary>
    public static PendingTensor Forward(Session session, in ConvolutionShape shape, FusedInput x, Tensor weight, BatchNormLayer layer, bool rectify)
    {
        if (shape.Input.C + shape.OutputChannels > MostChannels) throw new ArgumentException($"{layer.Name}: the fused plan takes {MostChannels} channels of inputs and outputs, not {shape.Input.C} and {shape.OutputChannels}. Use --plan unfused.");
        Tensor y = session.Rent(shape.Output);
        int rowsPerSlice;
        Tensor partials;
        if (shape.Kind == ConvolutionKind.Pointwise)
        {
            Partition partition = PointwiseConvolution.Rows(session.Device, shape.Input.Rows);
            partials = session.Rent(new Shape(partition.Blocks, 1, 2, shape.OutputChannels));
            session.Launch(
                "pointwise_fused_forward", partition.Blocks, PointwiseConvolution.Tiles(session.Device, 1, shape.OutputChannels), y, partials, x.Values, x.Pending?.Statistics,
                weight, shape.Input.Rows, shape.Input.C, shape.OutputChannels, x.Pending?.Rectify ?? false, partition.RowsPerBlock);
            rowsPerSlice = partition.RowsPerBlock;
        }
        else
        {
            Partition slices = Partition.Slices(session.Device, shape.Output.N * shape.Output.H, 64, 512);
            partials = session.Rent(new Shape(slices.Blocks, 1, 2, shape.OutputChannels));
            DepthwiseConvolution.Launch(session, "fused_forward", shape, slices, y, partials, OfDepthwise(x), x.Pending?.Statistics, weight);
            rowsPerSlice = slices.RowsPerBlock * shape.Output.W;
        }
        using (partials) return new PendingTensor(y, BatchNormalisation.Finalize(session, layer, partials, y.Shape, rowsPerSlice), layer, rectify);
    }

    /// <summary>The gradients of the input and, added to what is there, of the weight.</summary>
    /// <param name="dx">Overwritten with the gradient of the input [N, H, W, in]; a depthwise convolution's is gated.</param>
    /// <param name="y">What the forward pass made.</param>
    /// <param name="coefficients">Of y's batch norm, as <see cref="BatchNormalisation.Coefficients(Session, PendingTensor, Tensor, int)"/> has them.</param>
    /// <param name="dy">The gradient of y's batch norm's result.</param>
    /// <param name="gated">Whether values that y's ReLU cut off have no gradient already.</param>
    /// <returns>The coefficients of a pending input's batch norm.</returns>
    public static Tensor? Backward(
        Session session, in ConvolutionShape shape, Parameter weight, Tensor dx, PendingTensor y, Tensor coefficients, Tensor dy, bool gated, FusedInput x)
    {
        bool pointwise = shape.Kind == ConvolutionKind.Pointwise;
        Partition chunks = pointwise ? PointwiseConvolution.Chunks(shape.Input.Rows, session.Device.BlocksAreThreads ? PointwiseConvolution.TileOnCpu : PointwiseConvolution.Tile) : Partition.Slices(session.Device, shape.Input.N * shape.Input.H, 32, 128);
        int slices = pointwise && !session.Device.BlocksAreThreads ? Partition.OfRows(shape.Input.Rows, PointwiseConvolution.Tile).Blocks : chunks.Blocks;
        using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)weight.Shape.Count)));
        using Tensor? sums = x.Pending == null ? null : session.Rent(new Shape(slices, 1, 2, shape.Input.C));
        if (pointwise)
        {
            using Tensor transposed = session.Rent(weight.Shape);
            (int rows, int input, int output) = (shape.Input.Rows, shape.Input.C, shape.OutputChannels);
            Transposition.Launch(session, transposed, weight.Value, input, output, accumulate: false);
            session.Launch(
                "pointwise_fused_backward", chunks.Blocks, Math.Max(PointwiseConvolution.Tiles(session.Device, chunks.RowsPerBlock, input), PointwiseConvolution.Tiles(session.Device, input, output)),
                dx, partials, sums, dy, y.Raw, y.Statistics, coefficients, x.Values, x.Pending?.Statistics, transposed,
                rows, input, output, y.Rectify && !gated, x.Pending?.Rectify ?? false, chunks.RowsPerBlock);
        }
        else
        {
            DepthwiseConvolution.Launch(session, "fused_backward", shape, chunks, dx, partials, sums, dy, y.Raw, y.Statistics, coefficients, OfDepthwise(x), x.Pending?.Statistics, weight.Value);
        }
        PartialSums.ReduceInto(session, weight, partials, chunks.Blocks);
        return sums is { } made ? BatchNormalisation.Coefficients(session, x.Pending!.Value, made, slices) : null;
    }

    // A depthwise convolution takes what is pending as batch norm with ReLU.
    private static Tensor OfDepthwise(FusedInput x) =>
        x.Pending is not { Rectify: false } ? x.Values : throw new ArgumentException("A depthwise convolution takes pending tensors with ReLU.");
}
