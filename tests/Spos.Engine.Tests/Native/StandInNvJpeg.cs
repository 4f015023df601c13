using System.Runtime.InteropServices;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// nvJPEG's entry points over our own decoder on the CPU, for any device: what they write comes to the device by copies on the given
/// stream. One test at a time uses it.
/// </summary>
internal sealed unsafe class StandInNvJpeg : IDisposable
{
    private const int BadJpeg = 3, ExecutionFailed = 6, ArchitectureMismatch = 7;

    private static readonly Lock Turn = new();
    private static StandInNvJpeg s_current = null!;

    private readonly Device _device;

    public StandInNvJpeg(Device device)
    {
        Turn.Enter();
        s_current = this;
        _device = device;
    }

    /// <summary>Whether the card has an engine for JPEGs.</summary>
    public bool HasEngine { get; init; }

    /// <summary>The status that decoding ends with, unless it is success.</summary>
    public int Failure { get; set; }

    /// <summary>How often it ends so; then it is success.</summary>
    public int Failures { get; set; } = int.MaxValue;

    /// <summary>The status that making a state ends with.</summary>
    public int StateFailure { get; init; }

    public Version Version { get; init; } = new(11, 8, 0);

    /// <summary>What the last handle was made with.</summary>
    public uint Flags { get; private set; }

    /// <summary>Handles and states that were made and not destroyed.</summary>
    public int Open { get; private set; }

    public static NvJpeg Library => new(name => name switch
    {
        "nvjpegCreateEx" => (nint)(delegate* unmanaged<int, void*, void*, uint, nint*, int>)&CreateEx,
        "nvjpegDestroy" or "nvjpegJpegStateDestroy" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
        "nvjpegGetProperty" => (nint)(delegate* unmanaged<int, int*, int>)&GetProperty,
        "nvjpegJpegStateCreate" => (nint)(delegate* unmanaged<nint, nint*, int>)&StateCreate,
        "nvjpegGetImageInfo" => (nint)(delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int>)&GetImageInfo,
        "nvjpegDecode" => (nint)(delegate* unmanaged<nint, nint, byte*, nuint, int, NvJpeg.Image*, nint, int>)&Decode,
        _ => throw new EntryPointNotFoundException(name),
    });

    public void Dispose() => Turn.Exit();

    [UnmanagedCallersOnly]
    private static int CreateEx(int backend, void* deviceAllocator, void* pinnedAllocator, uint flags, nint* handle)
    {
        if (backend == NvJpeg.HardwareBackend && !s_current.HasEngine) return ArchitectureMismatch;
        s_current.Open++;
        s_current.Flags = flags;
        *handle = 1;
        return NvJpeg.Success;
    }

    [UnmanagedCallersOnly]
    private static int StateCreate(nint handle, nint* state)
    {
        if (s_current.StateFailure != NvJpeg.Success) return s_current.StateFailure;
        s_current.Open++;
        *state = handle + 1;
        return NvJpeg.Success;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint what)
    {
        s_current.Open--;
        return NvJpeg.Success;
    }

    [UnmanagedCallersOnly]
    private static int GetProperty(int property, int* value)
    {
        Version version = s_current.Version;
        *value = property switch { 0 => version.Major, 1 => version.Minor, _ => version.Build };
        return NvJpeg.Success;
    }

    [UnmanagedCallersOnly]
    private static int GetImageInfo(nint handle, byte* file, nuint bytes, int* components, int* subsampling, int* widths, int* heights)
    {
        using CompressedPicture? picture = TryDecode(file, bytes);
        if (picture == null) return BadJpeg;
        (*components, *subsampling) = (3, 0);
        for (int c = 0; c < NvJpeg.MostComponents; c++) (widths[c], heights[c]) = c < 3 ? (picture.Width, picture.Height) : (0, 0);
        return NvJpeg.Success;
    }

    [UnmanagedCallersOnly]
    private static int Decode(nint handle, nint state, byte* file, nuint bytes, int format, NvJpeg.Image* image, nint stream)
    {
        if (s_current.Failure != NvJpeg.Success && s_current.Failures-- > 0) return s_current.Failure;
        if (format != NvJpeg.PlanarRgb) return ExecutionFailed;
        using CompressedPicture? picture = TryDecode(file, bytes);
        if (picture == null) return BadJpeg;
        byte[] row = new byte[picture.Width];
        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < picture.Height; y++)
            {
                for (int x = 0; x < row.Length; x++) row[x] = picture.Pixels[(y * picture.Width + x) * CompressedPicture.BytesPerPixel + c];
                fixed (byte* source = row)
                {
                    ulong target = image->Channels[c] + (ulong)y * image->Pitches[c];
                    CudaResult result = s_current._device.Driver.CopyHostToDevice(target, source, (nuint)row.Length, stream);
                    if (result != CudaResult.Success) return ExecutionFailed;
                }
            }
        }
        return NvJpeg.Success;
    }

    private static CompressedPicture? TryDecode(byte* file, nuint bytes)
    {
        try
        {
            return JpegFile.DecodeToPixels(new ReadOnlySpan<byte>(file, (int)bytes), 1 << 20, "a file");
        }
        catch (DataException)
        {
            return null;
        }
    }
}
