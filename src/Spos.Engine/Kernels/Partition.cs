using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// Divides the rows of an op among blocks. It depends on shapes and the kind of device alone, never on the number of threads, so that partial
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

    /// <summary>Slices of rows: as many as keep the threads of a CPU busy, or the many more of a GPU.</summary>
    public static Partition Slices(Device device, int rows, int onCpu, int onGpu) => Of(rows, device.BlocksAreThreads ? onCpu : onGpu);

    /// <summary>Slices of row-wise work on [rows][channels]: a few tens of kilobytes each on a CPU, a few on a GPU.</summary>
    public static Partition Elementwise(Device device, int rows, int channels)
    {
        long values = (long)rows * channels;
        return Slices(device, rows, (int)Math.Clamp(values / 8192, 1, 64), (int)Math.Clamp(values / 1024, 1, 4096));
    }

    private static int Ceiling(int a, int b) => (a + b - 1) / b;
}
