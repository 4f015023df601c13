using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// A stream, and the blocks of a launch on it. Each kernel is a method, made of its declaration in native/kernels by Spos.Generators, and
/// refuses arrays that are shorter than its sizes say.
/// </summary>
public readonly partial record struct LaunchGrid
{
    private LaunchGrid(DeviceStream stream, int x, int y, int blockX, int blockY) =>
        (Stream, X, Y, BlockX, BlockY) = (stream, x, y, blockX, blockY);

    internal DeviceStream Stream { get; }

    /// <summary>Blocks side by side.</summary>
    public int X { get; }

    /// <summary>Blocks below each other.</summary>
    public int Y { get; }

    /// <summary>Threads side by side in a block.</summary>
    public int BlockX { get; }

    /// <summary>Threads below each other in a block.</summary>
    public int BlockY { get; }

    /// <summary>Blocks of <see cref="Device.ThreadsPerBlock"/> threads.</summary>
    public static LaunchGrid Of(DeviceStream stream, int x, int y = 1) => new(stream, x, y, stream.Device.ThreadsPerBlock, 1);

    /// <summary>
    /// For a kernel that works on slices of rows (kernels/device/slices.h): a block for each on the host, for each tile of its
    /// <paramref name="channels"/> on a GPU.
    /// </summary>
    public static LaunchGrid OfSlices(DeviceStream stream, int slices, int channels)
    {
        if (stream.Device.BlocksAreThreads) return new LaunchGrid(stream, slices, 1, 1, 1);
        ChannelTiles tiles = ChannelTiles.Of(stream.Device, channels);
        return new LaunchGrid(stream, tiles.Count, slices, tiles.Width, tiles.ThreadRows);
    }

    public override string ToString() => $"a grid of {X}×{Y} blocks of {BlockX}×{BlockY} threads";

    /// <summary>The blocks of a launch that was recorded.</summary>
    internal static LaunchGrid Of(DeviceStream stream, GridSize grid) =>
        new(stream, grid.X, grid.Y, grid.BlockX, grid.BlockY);

    /// <summary>Launches a kernel by its place in the catalogue.</summary>
    internal unsafe void Issue(int kernel, void** arguments)
    {
        if (Stream.Recording is { } recording) recording.Launch(kernel, new GridSize(X, Y, BlockX, BlockY), arguments);
        else KernelSet.Of(Stream.Device)[kernel].Launch(this, arguments);
    }
}
