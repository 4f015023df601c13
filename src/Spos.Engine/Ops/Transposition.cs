using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>[rows][columns] to [columns][rows]. Kernel: transpose.</summary>
internal static class Transposition
{
    // kTile of kernels/transpose.cu.
    private const int Tile = 32;

    /// <param name="accumulate">Whether the result is added to what is there.</param>
    public static void Launch(Session session, Tensor target, Tensor source, int rows, int columns, bool accumulate) =>
        session.Grid(Partition.OfRows(columns, Tile).Blocks, Partition.OfRows(rows, Tile).Blocks)
            .Transpose(target, source, rows, columns, accumulate);
}
