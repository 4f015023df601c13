using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The bound entry points of NVIDIA's JPEG decoder, names and values as in nvjpeg.h (docs.nvidia.com/cuda/nvjpeg), from CUDA 11 to 13.
/// </summary>
/// <param name="export">Gives the address of an entry point.</param>
internal sealed unsafe class NvJpeg(Func<string, nint> export)
{
    /// <exception cref="EntryPointNotFoundException">It is older than CUDA 11.</exception>
    public NvJpeg(FoundLibrary found)
        : this(name => NativeLibrary.GetExport(found.Handle, name))
    {
    }

    /// <summary>NVJPEG_STATUS_SUCCESS, and so on.</summary>
    public const int Success = 0, AllocatorFailure = 5, ArchitectureMismatch = 7;

    // Statuses that speak of the file.
    private const int BadJpeg = 3, JpegNotSupported = 4, ImplementationNotSupported = 9, IncompleteBitstream = 10;

    /// <summary>Whether a status says that the library does not decode a file, and not that it could not work.</summary>
    public static bool IsRefusal(int status) => status is BadJpeg or JpegNotSupported or ImplementationNotSupported or IncompleteBitstream;

    /// <summary>NVJPEG_BACKEND_DEFAULT, and NVJPEG_BACKEND_HARDWARE, the engine of A100, H100 and others.</summary>
    public const int DefaultBackend = 0, HardwareBackend = 3;

    /// <summary>NVJPEG_FLAGS_BITSTREAM_STRICT: what does not follow the standard is refused, and not decoded as well as may be.</summary>
    public const uint Strict = 4;

    /// <summary>The first version whose header is known to have <see cref="Strict"/>: CUDA 11.4's.</summary>
    public static Version FirstStrict { get; } = new(11, 5, 2);

    /// <summary>NVJPEG_OUTPUT_RGB: a plane for each of red, green and blue.</summary>
    public const int PlanarRgb = 3;

    /// <summary>NVJPEG_MAX_COMPONENT.</summary>
    public const int MostComponents = 4;

    /// <summary>Backend, allocators of device and page-locked memory (null for the library's own), flags; gives a handle.</summary>
    public readonly delegate* unmanaged<int, void*, void*, uint, nint*, int> CreateEx =
        (delegate* unmanaged<int, void*, void*, uint, nint*, int>)export("nvjpegCreateEx");

    public readonly delegate* unmanaged<nint, int> Destroy = (delegate* unmanaged<nint, int>)export("nvjpegDestroy");

    /// <summary>Property (0 major, 1 minor, 2 patch); gives its value.</summary>
    public readonly delegate* unmanaged<int, int*, int> GetProperty = (delegate* unmanaged<int, int*, int>)export("nvjpegGetProperty");

    public readonly delegate* unmanaged<nint, nint*, int> StateCreate =
        (delegate* unmanaged<nint, nint*, int>)export("nvjpegJpegStateCreate");

    public readonly delegate* unmanaged<nint, int> StateDestroy = (delegate* unmanaged<nint, int>)export("nvjpegJpegStateDestroy");

    /// <summary>Handle, file, bytes; gives components, subsampling, and each component's widths and heights.</summary>
    public readonly delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int> GetImageInfo =
        (delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int>)export("nvjpegGetImageInfo");

    /// <summary>Handle, state, file, bytes, output format, output, stream. The file has to stay until the stream has come so far.</summary>
    public readonly delegate* unmanaged<nint, nint, byte*, nuint, int, Image*, nint, int> Decode =
        (delegate* unmanaged<nint, nint, byte*, nuint, int, Image*, nint, int>)export("nvjpegDecode");

    /// <summary>nvjpegImage_t: where planes begin on the device, and how many bytes their rows are apart.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Image
    {
        public fixed ulong Channels[MostComponents];
        public fixed ulong Pitches[MostComponents];
    }

    /// <summary>Its version, such as 12.3.1.</summary>
    public Version? ReadVersion()
    {
        int major, minor, patch;
        return GetProperty(0, &major) == Success && GetProperty(1, &minor) == Success && GetProperty(2, &patch) == Success
            ? new Version(major, minor, patch)
            : null;
    }
}
