using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tensors;

/// <summary>Values on a device that are not floats: labels, ranks, coefficients, descriptors.</summary>
public sealed unsafe class DeviceArray<T>(BufferPool pool, int length) : IDisposable
    where T : unmanaged
{
    private readonly DeviceBuffer _buffer = pool.Rent((long)length * sizeof(T));
    private bool _disposed;

    public int Length { get; } = length;

    internal ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _buffer.Pointer;
        }
    }

    public static implicit operator KernelArgument(DeviceArray<T> array) => KernelArgument.Pointer(array.Address);

    /// <summary>
    /// Issues a copy of <paramref name="values"/>, which must stay as they are until it has run, to the place
    /// <paramref name="start"/>.
    /// </summary>
    public void Upload(DeviceStream stream, ReadOnlySpan<T> values, int start = 0)
    {
        if (start < 0 || values.Length > Length - start)
        {
            throw new ArgumentException($"{values.Length} values at {start} of an array of {Length}.");
        }
        ulong target = Address + (ulong)start * (ulong)sizeof(T);
        fixed (T* source = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyHostToDevice(target, source, (nuint)values.Length * (nuint)sizeof(T), stream.Handle), "cuMemcpyHtoDAsync");
        }
    }

    /// <summary>Copies the first values out, after the work issued to <paramref name="stream"/>.</summary>
    public void Download(DeviceStream stream, Span<T> values)
    {
        if (values.Length > Length) throw new ArgumentException($"{values.Length} values of an array of {Length}.");
        fixed (T* target = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyDeviceToHost(target, Address, (nuint)values.Length * (nuint)sizeof(T), stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
        stream.Device.Downloaded?.Invoke(MemoryMarshal.AsBytes(values));
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _buffer.Release();
    }
}
