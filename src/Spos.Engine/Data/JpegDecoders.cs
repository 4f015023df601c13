using Spos.Engine.Autograd;
using Spos.Engine.Devices;

namespace Spos.Engine.Data;

/// <summary>Whether a decoder of JPEGs can be had.</summary>
public static class JpegDecoders
{
    /// <summary>Throws unless nvJPEG can decode on a device.</summary>
    /// <exception cref="GpuUnavailableException">It cannot; the message says what to do.</exception>
    public static void Require(Device device)
    {
        try
        {
            using var session = new Session(device);
            using var decoder = new NvJpegDecoder(session);
        }
        catch (GpuUnavailableException error)
        {
            throw new GpuUnavailableException(
                $"--decoder nvjpeg: {error.Message.TrimEnd('.')}. --decoder spos, the default, decodes on every device.", cause: error);
        }
    }
}
