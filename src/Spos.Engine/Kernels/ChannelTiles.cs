using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// How blocks of a GPU share the channels of a slice of rows (kernels/device/slices.h). 16 channels fill half a warp's 128 bytes, which is
/// still whole sectors of memory.
/// </summary>
/// <param name="Width">Channels of a block: threads side by side.</param>
/// <param name="Count">Blocks of a slice.</param>
/// <param name="ThreadRows">Rows of threads of a block.</param>
internal readonly record struct ChannelTiles(int Width, int Count, int ThreadRows)
{
    public static ChannelTiles Of(Device device, int channels)
    {
        int width = channels % 32 is > 0 and <= 16 ? 16 : 32;
        return new ChannelTiles(width, (channels + width - 1) / width, device.ThreadsPerBlock / width);
    }
}
