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

    // Columns that are multiplied together, there.
    private const int PanelOnCpu = 32;

    // Below so many rows, blocks of about so many share the columns.
    private const int FewRowsOnCpu = 768, RowsAcrossOnCpu = 60;

    /// <param name="x">[N, H, W, in].</param>
    /// <param name="weight">[1, 1, in, out].</param>
    /// <returns>[N, H, W, out].</returns>
    public static Tensor Forward(Pass pass, Tensor x, Parameter weight) =>
        Convolution.Forward(pass, new ConvolutionShape(ConvolutionKind.Pointwise, x.Shape, weight.Shape.C, 1, 1), x, weight);

    internal static void Forward(Session session, Tensor y, Tensor x, Tensor weight)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, y.Shape.C);
        (Partition partition, int across) = Tiles(session, y.ElementType, rows, output);
        session.Grid(partition.Blocks, across)
            .PointwiseForward(y, x, weight, rows, input, output, partition.RowsPerBlock);
    }

    internal static void ForwardNormalised(
        Session session, ChannelRange y, Tensor x, Tensor weight, Tensor scale, Tensor shift, bool rectify)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, weight.Shape.C);
        if (y.Step != 1) throw new ArgumentException("Results are neighbours.");
        (Partition partition, int across) = Tiles(session, x.ElementType, rows, output);
        using Tensor packed = PackedWeights.Get(session, weight, y.Tensor.ElementType);
        session.Grid(partition.Blocks, across).PointwiseNormalised(
            y.Start, x, packed, scale, shift, rows, input, output, y.Tensor.Shape.C, rectify, partition.RowsPerBlock);
    }

    internal static void BackwardData(Session session, Tensor dx, Tensor dy, Tensor weight)
    {
        (int rows, int input, int output) = (dx.Shape.Rows, dx.Shape.C, dy.Shape.C);
        Partition partition = Rows(session.Device, dx.ElementType, rows, input);
        session.Grid(partition.Blocks, BlocksAcross(session.Device, dx.ElementType, input))
            .PointwiseBackwardData(dx, dy, weight, rows, input, output, partition.RowsPerBlock);
    }

    internal static void BackwardWeights(Session session, Parameter weight, Tensor dy, Tensor x)
    {
        (int rows, int input, int output) = (x.Shape.Rows, x.Shape.C, dy.Shape.C);
        Partition chunks = Chunks(session.Device, x.ElementType, rows, input, output);
        using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, input, output));
        session.Grid(chunks.Blocks, session.Device.BlocksAreThreads ? 1 : ProductTiles.OfSums(x.ElementType, input, output))
            .PointwiseBackwardWeights(partials, dy, x, rows, input, output, chunks.RowsPerBlock);
        PartialSums.ReduceInto(session, weight, partials);
    }

    // Rows of blocks, and blocks that share the columns. One processor goes through the weights once; where a CPU has few rows for its
    // threads, each takes some columns of many of them.
    private static (Partition Rows, int Across) Tiles(Session session, ElementType type, int rows, int columns)
    {
        if (session.UsesOneProcessor) return (Partition.OfRows(rows, rows), 1);
        if (!session.Device.BlocksAreThreads || rows >= FewRowsOnCpu)
        {
            return (Rows(session.Device, type, rows, columns), BlocksAcross(session.Device, type, columns));
        }
        return (Partition.Of(rows, Partition.Ceiling(rows, RowsAcrossOnCpu), TileOnCpu), Partition.Ceiling(columns, PanelOnCpu));
    }

    // For a result of so many columns. On the CPU, enough rows that packing the weights costs little, enough blocks that threads finish
    // together.
    internal static Partition Rows(Device device, ElementType type, int rows, int columns) => device.BlocksAreThreads
        ? Partition.Of(rows, Math.Max(16, rows / 480), TileOnCpu)
        : ProductTiles.Of(type, columns).Divide(device, rows, columns);

    // Those whose partial gradients of the weights are added up.
    internal static Partition Chunks(Device device, ElementType type, int rows, int input, int output, int multipleOnCpu = 1) =>
        device.BlocksAreThreads
            ? Partition.Of(rows, Math.Clamp(rows / 128, 1, 16), multipleOnCpu)
            : ProductTiles.Chunks(device, type, rows, input, output);

    // Blocks that share the columns of a result.
    internal static int BlocksAcross(Device device, ElementType type, int columns) =>
        device.BlocksAreThreads ? 1 : ProductTiles.Of(type, columns).Across(columns);
}
