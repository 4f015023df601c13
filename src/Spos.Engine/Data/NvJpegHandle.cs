using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>
/// A handle of nvJPEG's, one for all decoders of a device: NVIDIA's documentation asks for a state of each thread's own (Thread Safety),
/// and not for a handle. The last decoder that lets go of it ends it.
/// </summary>
internal sealed unsafe class NvJpegHandle
{
    private static readonly Dictionary<Device, NvJpegHandle> Open = [];

    private readonly Device _device;
    private readonly NvJpeg _library;
    private int _users;

    private NvJpegHandle(Device device, NvJpeg library)
    {
        (_device, _library) = (device, library);
        // What damage is, our own decoder decides.
        uint flags = library.ReadVersion() >= NvJpeg.FirstStrict ? NvJpeg.Strict : 0;
        device.MakeCurrent();
        nint handle;
        int status = library.CreateEx(NvJpeg.HardwareBackend, null, null, flags, &handle);
        // A card that has no JPEG engine says so here.
        HasEngine = status == NvJpeg.Success;
        if (status == NvJpeg.ArchitectureMismatch) status = library.CreateEx(NvJpeg.DefaultBackend, null, null, flags, &handle);
        if (status != NvJpeg.Success) throw NvJpegDecoder.Failure("nvjpegCreateEx", status);
        Value = handle;
    }

    /// <summary>nvjpegHandle_t.</summary>
    public nint Value { get; }

    /// <summary>Whether it is of the card's JPEG engine.</summary>
    public bool HasEngine { get; }

    /// <summary>The device's handle, which is made if nobody has it. From any thread; ends with <see cref="Release"/>.</summary>
    /// <exception cref="GpuUnavailableException">The library does not work with this GPU.</exception>
    public static NvJpegHandle Of(Device device, NvJpeg library)
    {
        lock (Open)
        {
            if (!Open.TryGetValue(device, out NvJpegHandle? handle)) Open[device] = handle = new NvJpegHandle(device, library);
            handle._users++;
            return handle;
        }
    }

    /// <summary>Once for each <see cref="Of"/>. From any thread.</summary>
    public void Release()
    {
        lock (Open)
        {
            if (--_users > 0) return;
            Open.Remove(_device);
            _ = _device.TryMakeCurrent();
            _ = _library.Destroy(Value);
        }
    }
}
