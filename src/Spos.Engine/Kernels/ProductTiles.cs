using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// The tiles in which a GPU makes a matrix product, as native/kernels/device/tiles.h has them. Of floats a block has 256 threads with
/// 8 × 8 results each, as many side by side as there are columns for, the others below. Of bf16 it has 128 rows and 16 to 96 columns.
/// </summary>
/// <param name="Rows">Of a tile.</param>
/// <param name="Columns">Of a tile.</param>
internal readonly record struct ProductTiles(int Rows, int Columns)
{
    private const int Piece = 8, Threads = 256, MostRows = 256, MostColumns = 128;

    private const int RowsOfWarps = 128, ColumnsOfWarps = 96, GroupOfColumns = 16;

    // Sums shorter than this are not worth a block.
    private const int LeastChunk = 128;

    /// <summary>Of a product with values of <paramref name="type"/> that has a result of so many columns.</summary>
    public static ProductTiles Of(ElementType type, int columns)
    {
        if (type == ElementType.BFloat16)
        {
            int evenly = Partition.Ceiling(columns, Partition.Ceiling(columns, ColumnsOfWarps));
            return new ProductTiles(RowsOfWarps, GroupOfColumns * Partition.Ceiling(evenly, GroupOfColumns));
        }
        int tiles = Partition.Ceiling(columns, MostColumns), across = Partition.Ceiling(Partition.Ceiling(columns, tiles), Piece);
        return new ProductTiles(Piece * Math.Min(MostRows / Piece, Threads / across), Piece * across);
    }

    /// <summary>How many of a result of <paramref name="rows"/> × <paramref name="columns"/> that sums over very many rows.</summary>
    public static int OfSums(ElementType type, int rows, int columns)
    {
        ProductTiles tiles = Of(type, columns);
        return Partition.Ceiling(rows, tiles.Rows) * tiles.Across(columns);
    }

    /// <summary>Those that stand side by side in a result of <paramref name="columns"/>.</summary>
    public int Across(int columns) => Partition.Ceiling(columns, Columns);

    /// <summary>
    /// The rows of a product's result, divided among blocks that each make some of these tiles, one below the other: as many tiles a
    /// block as leave no block for later, so that there are few partial sums.
    /// </summary>
    public Partition Divide(Device device, int rows, int columns)
    {
        int down = Partition.Ceiling(rows, Rows), blocks = Math.Max(1, device.ResidentBlocks / Across(columns));
        return Partition.OfRows(rows, Rows * Partition.Ceiling(down, blocks));
    }

    /// <summary>
    /// <paramref name="rows"/> that are summed over for a result of <paramref name="inputs"/> × <paramref name="outputs"/>, divided so
    /// that blocks that make a tile of a chunk's result are all worked on at once.
    /// </summary>
    public static Partition Chunks(Device device, ElementType type, int rows, int inputs, int outputs)
    {
        int chunks = Math.Clamp(device.ResidentBlocks / OfSums(type, inputs, outputs), 1, Math.Max(1, rows / LeastChunk));
        return Partition.Of(rows, chunks, multiple: Piece);
    }
}
