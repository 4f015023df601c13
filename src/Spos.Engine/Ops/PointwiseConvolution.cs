using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Pointwise (1×1) convolution without bias: y[m][o] = Σ_i x[m][i]·w[i][o] over the rows m of NHWC. On [N,1,1,C] it is
/// the linear layer. Kernels: pointwise_forward, pointwise_backward_data, pointwise_backward_weights.
/// </summary>
public static class PointwiseConvolution
{
    /// <param name="x">[N, H, W, in].</param>
    /// <param name="weight">[1, 1, in, out].</param>
    /// <returns>[N, H, W, out].</returns>
    public static Tensor Forward(Session session, Tensor x, Parameter weight)
    {
        (int input, int output) = (weight.Shape.W, weight.Shape.C);
        if (x.Shape.C != input) throw new ArgumentException($"{weight.Name} takes {input} channels, got {x.Shape}.");
        Tensor y = session.Rent(x.Shape.WithChannels(output));
        Partition partition = Rows(session.Device, x.Shape.Rows);
        session.Launch("pointwise_forward", partition.Blocks, Tiles(session.Device, 1, output), y, x, weight.Value, x.Shape.Rows, input, output, partition.RowsPerBlock);
        session.Tape?.Record(new Step(x, weight, y));
        return y;
    }

    // Rows and columns of the tile that a block of GPU threads works on (kernels/device/gemm.h).
    private const int Tile = 64;

    // On the CPU, enough rows that packing the weights costs little, enough blocks that threads finish together.
    private static Partition Rows(Device device, int rows) =>
        device.BlocksAreThreads ? Partition.Of(rows, Math.Max(16, rows / 480), 12) : Partition.OfRows(rows, Tile);

    // Blocks that share the tiles of a result of rows x columns.
    private static int Tiles(Device device, int rows, int columns) =>
        device.BlocksAreThreads ? 1 : Partition.OfRows(rows, Tile).Blocks * Partition.OfRows(columns, Tile).Blocks;

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _x;
        private readonly Parameter _weight;

        public Step(Tensor x, Parameter weight, Tensor y)
            : base(y)
        {
            _x = Hold(x);
            _weight = weight;
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            (int input, int output) = (_weight.Shape.W, _weight.Shape.C);
            int rows = dy.Shape.Rows;

            Partition chunks = Partition.Of(rows, Math.Clamp(rows / 128, 1, 16));
            using Tensor partials = session.Rent(new Shape(chunks.Blocks, 1, input, output));
            session.Launch("pointwise_backward_weights", chunks.Blocks, Tiles(session.Device, input, output), partials, dy, _x, rows, input, output, chunks.RowsPerBlock);
            PartialSums.ReduceInto(session, _weight, partials, chunks.Blocks);

            Tensor dx = session.Rent(_x.Shape);
            Partition partition = Rows(session.Device, rows);
            session.Launch("pointwise_backward_data", partition.Blocks, Tiles(session.Device, 1, input), dx, dy, _weight.Value, rows, input, output, partition.RowsPerBlock);
            gradients.Add(_x.Identity, dx);
        }
    }
}
