using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// Pointwise (1×1) convolution without bias: y[m][o] = Σ_i x[m][i]·w[i][o] over the rows m of NHWC. On [N,1,1,C] it is
/// the linear layer. Kernels: pointwise_forward, pointwise_backward_data, pointwise_backward_weights.
/// </summary>
public static class PointwiseConvolution
{
    // Rows that a CPU thread's tile has at most (kernels/host/gemm.h).
    internal const int TileOnCpu = 12;

    /// <param name="x">[N, H, W, in].</param>
    /// <param name="weight">[1, 1, in, out].</param>
    /// <returns>[N, H, W, out].</returns>
    public static Tensor Forward(Pass pass, Tensor x, Parameter weight) =>
        Convolution.Forward(pass, new ConvolutionShape(ConvolutionKind.Pointwise, x.Shape, weight.Shape.C, 1, 1), x, weight);

    internal static void Forward(Session session, Tensor y, Tensor x, Tensor weight)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, y.Shape.C);
        Partition partition = Rows(session, rows, output);
        session.Grid(partition.Blocks, BlocksAcross(session.Device, output))
            .PointwiseForward(y, x, weight, rows, input, output, partition.RowsPerBlock);
    }

    internal static void ForwardNormalised(
        Session session, ChannelRange y, Tensor x, Tensor weight, Tensor scale, Tensor shift, bool rectify)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, weight.Shape.C);
        if (y.Step != 1) throw new ArgumentException("Results are neighbours.");
        Partition partition = Rows(session, rows, output);
        session.Grid(partition.Blocks, BlocksAcross(session.Device, output)).PointwiseNormalised(
            y.Start, x, weight, scale, shift, rows, input, output, y.Tensor.Shape.C, rectify, partition.RowsPerBlock);
    }

    internal static void BackwardData(Session session, Tensor dx, Tensor dy, Tensor weight)
    {
        (int rows, int input, int output) = (dx.Shape.Rows, dx.Shape.C, dy.Shape.C);
        Partition partition = Rows(session.Device, rows, input);
        session.Grid(partition.Blocks, BlocksAcross(session.Device, input))
            .PointwiseBackwardData(dx, dy, weight, rows, input, output, partition.RowsPerBlock);
    }

    internal static void BackwardWeights(Session session, Parameter weight, Tensor dy, Tensor x)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, dy.Shape.C);
        Partition chunks = Chunks(session.Device, rows, input, output);
        using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, input, output));
        session.Grid(chunks.Blocks, session.Device.BlocksAreThreads ? 1 : ProductTiles.OfSums(input, output))
            .PointwiseBackwardWeights(partials, dy, x, rows, input, output, chunks.RowsPerBlock);
        PartialSums.ReduceInto(session, weight, partials);
    }

    // One processor packs weights once.
    private static Partition Rows(Session session, int rows, int columns) =>
        session.UsesOneProcessor ? Partition.OfRows(rows, rows) : Rows(session.Device, rows, columns);

    // For a result of so many columns. On the CPU, enough rows that packing the weights costs little, enough blocks that threads finish
    // together.
    internal static Partition Rows(Device device, int rows, int columns) => device.BlocksAreThreads
        ? Partition.Of(rows, Math.Max(16, rows / 480), TileOnCpu)
        : ProductTiles.Of(columns).Divide(device, rows, columns);

    // Those whose partial gradients of the weights are added up.
    internal static Partition Chunks(Device device, int rows, int input, int output, int multipleOnCpu = 1) => device.BlocksAreThreads
        ? Partition.Of(rows, Math.Clamp(rows / 128, 1, 16), multipleOnCpu)
        : ProductTiles.Chunks(device, rows, input, output);

    // Blocks that share the columns of a result.
    internal static int BlocksAcross(Device device, int columns) => device.BlocksAreThreads ? 1 : ProductTiles.Of(columns).Across(columns);
}
