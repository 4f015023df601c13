using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Native;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Decodes JPEGs by nvJPEG to planes of red, green and blue on a GPU; the library chooses what does which part of it. One per worker: a
/// state of the library is one thread's, and its handle the device's.
/// </summary>
internal sealed unsafe class NvJpegDecoder : IDisposable
{
    // Room for rows that begin with whole blocks of 8, as jpeg_to_rgb has them.
    private const int RowAlignment = 8;

    private const int EndOfImage = 0xFFD9, Planes = 3;

    private readonly NvJpeg _library;
    private readonly Session _session;
    private readonly DeviceEvent _decoded;
    private NvJpegHandle? _handle;
    private nint _state;

    /// <exception cref="GpuUnavailableException">There is no nvJPEG, or it does not work with this GPU.</exception>
    public NvJpegDecoder(Session session)
        : this(session, Find(session.Device))
    {
    }

    /// <param name="library">The library, or what stands in for it.</param>
    /// <exception cref="GpuUnavailableException">It does not work with this GPU.</exception>
    internal NvJpegDecoder(Session session, NvJpeg library)
    {
        (_library, _session) = (library, session);
        _decoded = DeviceEvent.On(session.Stream);
        try
        {
            _handle = NvJpegHandle.Of(session.Device, library);
            nint state;
            int status = library.StateCreate(_handle.Value, &state);
            if (status != NvJpeg.Success) throw Failure("nvjpegJpegStateCreate", status);
            _state = state;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the card has a JPEG engine that the library knows; it may decode without it all the same.</summary>
    public bool HasEngine => _handle is { HasEngine: true };

    /// <summary>Issues the decoding of a file. The picture may be disposed of after <see cref="Wait"/>.</summary>
    /// <returns>Null if it is none that nvJPEG decodes: another decoder may.</returns>
    /// <exception cref="DeviceMemoryException">nvJPEG finds no memory on the device, even without what pools keep.</exception>
    public CompressedPicture? TryDecode(ReadOnlySpan<byte> file)
    {
        ObjectDisposedException.ThrowIf(_handle == null, this);
        if (FileContent.Of(file) != FileFormat.Jpeg || !IsWhole(file)) return null;
        int components, subsampling;
        int* widths = stackalloc int[NvJpeg.MostComponents], heights = stackalloc int[NvJpeg.MostComponents];
        _session.Device.MakeCurrent();
        fixed (byte* data = file)
        {
            // Grey and YCbCr alone: of CMYK and YCCK nvJPEG makes other pixels than libjpeg-turbo, and perhaps of RGB.
            if (JpegFile.TryReadHeader(file, CompressedPicture.MostPixelsOf(file)) is not { } header) return null;
            if (header is not ({ Components: 1 } or { Components: Planes, IsYcc: 1 })) return null;
            int known = _library.GetImageInfo(_handle.Value, data, (nuint)file.Length, &components, &subsampling, widths, heights);
            if (known != NvJpeg.Success) return Refused("nvjpegGetImageInfo", known);
            (int width, int height) = (header.Width, header.Height);
            // Subsampling that it does not know is -1.
            if (components != header.Components || subsampling < 0 || (widths[0], heights[0]) != (width, height)) return null;
            int stride = (width + RowAlignment - 1) / RowAlignment * RowAlignment;
            var planes = new DeviceArray<byte>(_session.Pool, (long)Planes * stride * height);
            NvJpeg.Image image = default;
            for (int c = 0; c < Planes; c++)
            {
                image.Channels[c] = planes.Address + (ulong)c * (ulong)stride * (ulong)height;
                image.Pitches[c] = (ulong)stride;
            }
            // The library may read the file until it is decoded, and the garbage collector may have moved the caller's by then.
            byte[] kept = GC.AllocateUninitializedArray<byte>(file.Length, pinned: true);
            file.CopyTo(kept);
            byte* place = (byte*)Unsafe.AsPointer(ref kept[0]);
            nint stream = _session.Stream.Handle;
            int status = _library.Decode(_handle.Value, _state, place, (nuint)kept.Length, NvJpeg.PlanarRgb, &image, stream);
            long freed = status == NvJpeg.AllocatorFailure ? _session.Device.Pools.Trim() : 0;
            if (freed > 0) status = _library.Decode(_handle.Value, _state, place, (nuint)kept.Length, NvJpeg.PlanarRgb, &image, stream);
            // A call that failed may have issued a part of its work, which reads the file too.
            _decoded.Record(_session.Stream);
            if (status == NvJpeg.Success) return new CompressedPicture(width, height, new DeviceFrame(planes, stride, kept));
            Wait();
            GC.KeepAlive(kept);
            planes.Dispose();
            if (status == NvJpeg.AllocatorFailure) throw _session.Pool.Full(0, freed);
            return Refused("nvjpegDecode", status);
        }
    }

    /// <summary>Waits until what was issued has been decoded, so that its files are not needed any more.</summary>
    public void Wait() => _decoded.Synchronize();

    /// <summary>As <see cref="Wait"/>, at an end that must not fail.</summary>
    public void Drain() => _decoded.Drain();

    public void Dispose()
    {
        _ = _session.Stream.Drain();
        if (_state != 0) _ = _library.StateDestroy(_state);
        _handle?.Release();
        (_state, _handle) = (0, null);
        _decoded.Dispose();
    }

    /// <summary>The library for a device, bound.</summary>
    /// <exception cref="GpuUnavailableException">The device is no NVIDIA GPU, or the library is missing or too old.</exception>
    private static NvJpeg Find(Device device)
    {
        if (device.Kind != DeviceKind.Cuda.Name)
        {
            throw new GpuUnavailableException($"nvJPEG decodes on an NVIDIA GPU only, not on '{device.Kind}'");
        }
        if (LibrarySearch.OfMachine.Find(NvidiaLibrary.NvJpeg) is not [var found, ..])
        {
            throw new GpuUnavailableException($"nvJPEG is missing: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.NvJpeg)}");
        }
        try
        {
            return new NvJpeg(found);
        }
        catch (EntryPointNotFoundException error)
        {
            throw new GpuUnavailableException($"nvJPEG is too old ({found.Path}): install that of CUDA 11 or later", cause: error);
        }
    }

    // Null where the status speaks of the file. Any other must not let another decoder step in, whose pixels differ.
    private static CompressedPicture? Refused(string call, int status) => NvJpeg.IsRefusal(status) ? null : throw Failure(call, status);

    // One that is cut short is damage, which our own decoder tells. A picture's last bytes are its end; cameras write zeros behind.
    private static bool IsWhole(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> rest = file.TrimEnd((byte)0);
        return rest.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(rest[^2..]) == EndOfImage;
    }

    internal static GpuUnavailableException Failure(string call, int status) =>
        new($"nvJPEG failed on this GPU: {call} gave status {status} (nvjpegStatus_t)");
}

/// <summary>A picture that was decoded on the device: three planes of red, green and blue, one after another.</summary>
/// <param name="Stride">Bytes from row to row: a multiple of 8.</param>
/// <param name="File">What it is decoded from, which may still be under way.</param>
internal sealed record DeviceFrame(DeviceArray<byte> Planes, int Stride, byte[] File);
