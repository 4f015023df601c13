using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

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
            CudaDriver driver = stream.Device.Driver;
            nuint bytes = (nuint)values.Length * (nuint)sizeof(T);
            driver.Check(driver.CopyHostToDevice(AddressOn(stream), source, bytes, stream.Handle), "cuMemcpyHtoDAsync");
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
        staging.CopyTo(AddressOn(stream), bytes, stream);
    }

    /// <summary>Issues a copy of the first values of <paramref name="source"/>, which has at least as many as this, over this.</summary>
    internal void CopyFrom(DeviceStream stream, DeviceArray<T> source)
    {
        if (source.Length < Length) throw new ArgumentException($"{source.Length} values copied to an array of {Length}.");
        CudaDriver driver = stream.Device.Driver;
        nuint bytes = (nuint)Length * (nuint)sizeof(T);
        driver.Check(driver.CopyDeviceToDevice(AddressOn(stream), source.AddressOn(stream), bytes, stream.Handle), "cuMemcpyDtoDAsync");
    }

    /// <summary>The values from <paramref name="start"/> on, for a kernel.</summary>
    internal DeviceSpan<T> From(long start)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        return new DeviceSpan<T>(_buffer.Device, Address + (ulong)start * (ulong)sizeof(T), Length - start);
    }

    /// <summary>Copies values from <paramref name="start"/> on out, after the work issued to <paramref name="stream"/>.</summary>
    public void Download(DeviceStream stream, Span<T> values, long start = 0)
    {
        if (start < 0 || values.Length > Length - start)
        {
            throw new ArgumentException($"{values.Length} values at {start} of an array of {Length}.");
        }
        fixed (T* target = values)
        {
            CudaDriver driver = stream.Device.Driver;
            ulong source = AddressOn(stream) + (ulong)start * (ulong)sizeof(T);
            nuint bytes = (nuint)values.Length * (nuint)sizeof(T);
            driver.Check(driver.CopyDeviceToHost(target, source, bytes, stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
        stream.Device.Downloaded?.Invoke(MemoryMarshal.AsBytes(values));
    }

    /// <summary>For work of a stream.</summary>
    /// <exception cref="ArgumentException">It lies on another device.</exception>
    internal ulong AddressOn(DeviceStream stream)
    {
        stream.Require(_buffer.Device);
        return Address;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _buffer.Release();
    }
}
