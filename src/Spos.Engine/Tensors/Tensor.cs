using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tensors;

/// <summary>
/// Floats on a device, NHWC, dense. A tensor object is one reference to its memory: whoever holds it disposes of it, and
/// <see cref="Retain"/> makes another reference. Views share the memory of what they were cut from.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    private readonly DeviceBuffer _buffer;
    private readonly long _offset;
    private readonly object _identity;
    private bool _disposed;

    /// <summary>Takes over one reference to <paramref name="buffer"/>; <paramref name="offset"/> counts floats.</summary>
    public Tensor(DeviceBuffer buffer, Shape shape, long offset = 0)
    {
        if ((offset + shape.Count) * sizeof(float) > buffer.Size) throw new ArgumentOutOfRangeException(nameof(shape), $"A tensor {shape} does not fit its buffer.");
        _buffer = buffer;
        _offset = offset;
        Shape = shape;
        _identity = this;
    }

    private Tensor(Tensor other)
    {
        _buffer = other._buffer;
        _offset = other._offset;
        Shape = other.Shape;
        _identity = other._identity;
    }

    public Shape Shape { get; }

    /// <summary>The same for all references to one value: what gradients are kept under.</summary>
    internal object Identity => _identity;

    internal ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _buffer.Pointer + (ulong)_offset * sizeof(float);
        }
    }

    public static implicit operator KernelArgument(Tensor? tensor) => KernelArgument.Pointer(tensor?.Address ?? 0);

    /// <summary>For a kernel: the values from the one at <paramref name="offset"/> on.</summary>
    internal KernelArgument From(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Shape.Count);
        return KernelArgument.Pointer(Address + (ulong)offset * sizeof(float));
    }

    /// <summary>Another reference to the same value.</summary>
    public Tensor Retain()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _buffer.Retain();
        return new Tensor(this);
    }

    /// <summary>A part of the memory as a tensor of its own, <paramref name="offset"/> floats from the start.</summary>
    public Tensor View(Shape shape, long offset = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (offset < 0 || offset + shape.Count > Shape.Count) throw new ArgumentOutOfRangeException(nameof(offset), $"{shape} at {offset} is outside {Shape}.");
        _buffer.Retain();
        return new Tensor(_buffer, shape, _offset + offset);
    }

    /// <summary>Copies values in. Returns when <paramref name="values"/> may be changed again.</summary>
    public void Upload(DeviceStream stream, ReadOnlySpan<float> values)
    {
        if (values.Length != Shape.Count) throw new ArgumentException($"{values.Length} values for a tensor {Shape}.");
        fixed (float* source = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyHostToDevice(Address, source, (nuint)values.Length * sizeof(float), stream.Handle), "cuMemcpyHtoDAsync");
        }
        stream.Synchronize();
    }

    /// <summary>Copies all values out, after the work issued to <paramref name="stream"/>.</summary>
    public float[] Download(DeviceStream stream)
    {
        float[] values = new float[Shape.Count];
        Download(stream, values);
        return values;
    }

    /// <summary>Copies all values out, after the work issued to <paramref name="stream"/>.</summary>
    public void Download(DeviceStream stream, Span<float> values)
    {
        if (values.Length != Shape.Count) throw new ArgumentException($"{values.Length} values for a tensor {Shape}.");
        fixed (float* target = values)
        {
            stream.Device.Driver.Check(stream.Device.Driver.CopyDeviceToHost(target, Address, (nuint)values.Length * sizeof(float), stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
    }

    /// <summary>Copies <paramref name="source"/>, of the same shape, over this.</summary>
    public void CopyFrom(DeviceStream stream, Tensor source)
    {
        if (source.Shape != Shape) throw new ArgumentException($"{source.Shape} copied to {Shape}.");
        stream.Device.Driver.Check(stream.Device.Driver.CopyDeviceToDevice(Address, source.Address, (nuint)Shape.Count * sizeof(float), stream.Handle), "cuMemcpyDtoDAsync");
    }

    /// <summary>Sets all values to <paramref name="value"/>.</summary>
    public void Fill(DeviceStream stream, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        stream.Device.Driver.Check(stream.Device.Driver.MemsetD32(Address, bits, (nuint)Shape.Count, stream.Handle), "cuMemsetD32Async");
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _buffer.Release();
    }
}
