using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// Divides the rows of an op among blocks. It depends on shapes, the kind of device and a GPU's multiprocessors alone, never on the number
/// of threads, so that partial sums are always cut and added alike.
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

    /// <summary>
    /// Elementwise work on a flat array: pieces that a CPU's threads take, or blocks enough for a GPU, of a few values a thread.
    /// </summary>
    public static Partition Flat(Device device, long length)
    {
        int pieces = device.BlocksAreThreads ? 16 : 4 * device.ResidentBlocks;
        (int least, int most) = device.BlocksAreThreads ? (64, 1 << 14) : (1024, 4096);
        int per = (int)Math.Clamp((length + pieces - 1) / pieces, least, most);
        per = (per + 63) / 64 * 64;
        return new Partition(per, checked((int)((length + per - 1) / per)));
    }

    /// <summary>
    /// Slices of rows for <see cref="LaunchGrid.OfSlices"/>: as many as keep the threads of a CPU busy. On a GPU, where each slice is a
    /// block for each tile of its channels, as many as make <paramref name="waves"/> times the blocks that it works on at once, all of
    /// whole rounds of a block's rows of threads.
    /// </summary>
    public static Partition Slices(Device device, int rows, int channels, int onCpu, int waves)
    {
        if (device.BlocksAreThreads) return Of(rows, onCpu);
        ChannelTiles tiles = ChannelTiles.Of(device, channels);
        return Of(rows, device.ResidentBlocks * waves / tiles.Count, tiles.ThreadRows);
    }

    /// <summary>Slices of row-wise work on [rows][channels]: a few tens of kilobytes each on a CPU, small ones on a GPU.</summary>
    public static Partition Elementwise(Device device, int rows, int channels) =>
        Slices(device, rows, channels, (int)Math.Clamp((long)rows * channels / 8192, 1, 64), waves: 16);

    /// <summary>a / b, rounded up.</summary>
    internal static int Ceiling(int a, int b) => (a + b - 1) / b;
}
