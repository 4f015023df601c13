namespace Spos.Engine.Kernels;

/// <summary>
/// Divides the rows of an op among blocks. It depends on shapes alone, never on the number of threads, so that partial
/// sums are always cut and added alike.
/// </summary>
internal readonly record struct Partition(int RowsPerBlock, int Blocks)
{
    /// <summary>About <paramref name="blocks"/> equal blocks, each of a multiple of <paramref name="multiple"/> rows.</summary>
    public static Partition Of(int rows, int blocks, int multiple = 1)
    {
        int per = Ceiling(Ceiling(rows, Math.Max(1, blocks)), multiple) * multiple;
        return new Partition(per, Ceiling(rows, per));
    }

    /// <summary>Blocks of <paramref name="rowsPerBlock"/> rows.</summary>
    public static Partition OfRows(int rows, int rowsPerBlock) => new(rowsPerBlock, Ceiling(rows, rowsPerBlock));

    /// <summary>Elementwise work on a flat array.</summary>
    public static Partition Flat(long length)
    {
        const int most = 1 << 14;
        int per = (int)Math.Clamp((length + 15) / 16, 64, most);
        per = (per + 63) / 64 * 64;
        return new Partition(per, checked((int)((length + per - 1) / per)));
    }

    /// <summary>Row-wise work on [rows][channels], a few tens of kilobytes a block.</summary>
    public static Partition Elementwise(int rows, int channels) => Of(rows, (int)Math.Clamp((long)rows * channels / 8192, 1, 64));

    private static int Ceiling(int a, int b) => (a + b - 1) / b;
}
