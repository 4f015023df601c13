using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tensors;

/// <summary>Values on a device that are not floats: labels, ranks, coefficients, descriptors.</summary>
public sealed unsafe class DeviceArray<T>(BufferPool pool, long length) : IDisposable
    where T : unmanaged
{
    private readonly DeviceBuffer _buffer = pool.Rent(length * sizeof(T));
    private bool _disposed;

    public long Length { get; } = length;

    internal ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _buffer.Pointer;
        }
    }

    public static implicit operator DeviceSpan<T>(DeviceArray<T> array) => array.From(0);

    public static implicit operator ReadOnlyDeviceSpan<T>(DeviceArray<T> array) => array.From(0);

    /// <summary>Issues a copy of <paramref name="values"/>, which must stay as they are until it has run.</summary>
    public void Upload(DeviceStream stream, ReadOnlySpan<T> values)
    {
        if (values.Length > Length) throw new ArgumentException($"{values.Length} values of an array of {Length}.");
        fixed (T* source = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyHostToDevice(Address, source, (nuint)values.Length * (nuint)sizeof(T), stream.Handle), "cuMemcpyHtoDAsync");
        }
    }

    /// <summary>
    /// Issues a copy of <paramref name="values"/> by way of page-locked memory, which takes them at once: nobody waits for what the stream
    /// has to do before.
    /// </summary>
    internal void Upload(DeviceStream stream, ReadOnlySpan<T> values, StagingBuffer staging)
    {
        if (values.Length > Length) throw new ArgumentException($"{values.Length} values of an array of {Length}.");
        long bytes = (long)values.Length * sizeof(T);
        values.CopyTo(new Span<T>(staging.Begin(bytes), values.Length));
        staging.CopyTo(Address, bytes, stream);
    }

    /// <summary>Issues a copy of the first values of <paramref name="source"/>, which has at least as many as this, over this.</summary>
    internal void CopyFrom(DeviceStream stream, DeviceArray<T> source)
    {
        if (source.Length < Length) throw new ArgumentException($"{source.Length} values copied to an array of {Length}.");
        stream.Device.Driver.Check(stream.Device.Driver.CopyDeviceToDevice(Address, source.Address, (nuint)Length * (nuint)sizeof(T), stream.Handle), "cuMemcpyDtoDAsync");
    }

    /// <summary>The values from <paramref name="start"/> on, for a kernel.</summary>
    internal DeviceSpan<T> From(long start)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        return new DeviceSpan<T>(Address + (ulong)start * (ulong)sizeof(T), Length - start);
    }

    /// <summary>Copies values from <paramref name="start"/> on out, after the work issued to <paramref name="stream"/>.</summary>
    public void Download(DeviceStream stream, Span<T> values, long start = 0)
    {
        if (start < 0 || values.Length > Length - start) throw new ArgumentException($"{values.Length} values at {start} of an array of {Length}.");
        fixed (T* target = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyDeviceToHost(target, Address + (ulong)start * (ulong)sizeof(T), (nuint)values.Length * (nuint)sizeof(T), stream.Handle), "cuMemcpyDtoHAsync");
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
