using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

namespace Spos.Engine.Tensors;

/// <summary>
/// Floats on a device, NHWC, dense. A tensor is one reference to its memory: whoever holds it disposes of it, and
/// <see cref="Retain"/> makes another reference. Views share the memory of what they were cut from. Copies of the handle are the same
/// reference: once one of them is disposed of, all are. References are taken from those let go, so that they cost the heap nothing.
/// </summary>
public readonly unsafe struct Tensor : IDisposable, IEquatable<Tensor>
{
    private static long _identities;

    private readonly TensorReference? _reference;
    private readonly long _use;

    /// <summary>Takes over one reference to <paramref name="buffer"/>; <paramref name="offset"/> counts floats.</summary>
    public Tensor(DeviceBuffer buffer, Shape shape, long offset = 0)
        : this(buffer, shape, offset, Interlocked.Increment(ref _identities))
    {
    }

    private Tensor(DeviceBuffer buffer, Shape shape, long offset, long identity)
    {
        if ((offset + shape.Count) * sizeof(float) > buffer.Size)
        {
            throw new ArgumentOutOfRangeException(nameof(shape), $"A tensor {shape} does not fit its buffer.");
        }
        _reference = TensorReference.Take(buffer, shape, offset, identity);
        _use = _reference.Use;
    }

    public Shape Shape => Reference.Shape;

    /// <summary>The same for all references to one value: what gradients are kept under.</summary>
    internal long Identity => Reference.Identity;

    /// <summary>Whether there is another reference to its memory.</summary>
    internal bool IsHeldBesides => Reference.Buffer.References > 1;

    internal ulong Address => Reference.Address;

    private TensorReference Reference =>
        _reference != null && _reference.Use == _use ? _reference : throw new ObjectDisposedException(nameof(Tensor));

    public static implicit operator DeviceSpan<float>(Tensor tensor) => tensor.Reference.Span;

    public static implicit operator ReadOnlyDeviceSpan<float>(Tensor tensor) => tensor.Reference.Span;

    /// <summary>For a kernel: the values from the one at <paramref name="offset"/> on.</summary>
    internal DeviceSpan<float> From(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Shape.Count);
        return new DeviceSpan<float>(Reference.Buffer.Device, Address + (ulong)offset * sizeof(float), Shape.Count - offset);
    }

    /// <summary>Another reference to the same value.</summary>
    public Tensor Retain()
    {
        TensorReference reference = Reference;
        reference.Buffer.Retain();
        return new Tensor(reference.Buffer, reference.Shape, reference.Offset, reference.Identity);
    }

    /// <summary>A part of the memory as a tensor of its own, <paramref name="offset"/> floats from the start.</summary>
    public Tensor View(Shape shape, long offset = 0)
    {
        TensorReference reference = Reference;
        if (offset < 0 || offset + shape.Count > Shape.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"{shape} at {offset} is outside {Shape}.");
        }
        reference.Buffer.Retain();
        return new Tensor(reference.Buffer, shape, reference.Offset + offset);
    }

    /// <summary>Copies values in. Returns when <paramref name="values"/> may be changed again.</summary>
    public void Upload(DeviceStream stream, ReadOnlySpan<float> values)
    {
        if (values.Length != Shape.Count) throw new ArgumentException($"{values.Length} values for a tensor {Shape}.");
        fixed (float* source = values)
        {
            CudaDriver driver = stream.Device.Driver;
            nuint bytes = (nuint)values.Length * sizeof(float);
            driver.Check(driver.CopyHostToDevice(AddressOn(stream), source, bytes, stream.Handle), "cuMemcpyHtoDAsync");
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
            CudaDriver driver = stream.Device.Driver;
            nuint bytes = (nuint)values.Length * sizeof(float);
            driver.Check(driver.CopyDeviceToHost(target, AddressOn(stream), bytes, stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
        stream.Device.Downloaded?.Invoke(MemoryMarshal.AsBytes(values));
    }

    /// <summary>Copies <paramref name="source"/>, of the same shape, over this.</summary>
    public void CopyFrom(DeviceStream stream, Tensor source)
    {
        if (source.Shape != Shape) throw new ArgumentException($"{source.Shape} copied to {Shape}.");
        CudaDriver driver = stream.Device.Driver;
        nuint bytes = (nuint)Shape.Count * sizeof(float);
        driver.Check(driver.CopyDeviceToDevice(AddressOn(stream), source.AddressOn(stream), bytes, stream.Handle), "cuMemcpyDtoDAsync");
    }

    /// <summary>Sets all values to <paramref name="value"/>.</summary>
    public void Fill(DeviceStream stream, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        CudaDriver driver = stream.Device.Driver;
        driver.Check(driver.MemsetD32(AddressOn(stream), bits, (nuint)Shape.Count, stream.Handle), "cuMemsetD32Async");
    }

    /// <summary>For work of a stream.</summary>
    /// <exception cref="ArgumentException">It lies on another device.</exception>
    internal ulong AddressOn(DeviceStream stream)
    {
        TensorReference reference = Reference;
        stream.Require(reference.Buffer.Device);
        return reference.Address;
    }

    /// <summary>Lets the reference go; does nothing if it has been.</summary>
    public void Dispose()
    {
        if (_reference != null && _reference.Use == _use) _reference.Release();
    }

    /// <summary>Whether both are the same reference.</summary>
    public bool Equals(Tensor other) => ReferenceEquals(_reference, other._reference) && _use == other._use;

    public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_reference, _use);

    public static bool operator ==(Tensor left, Tensor right) => left.Equals(right);

    public static bool operator !=(Tensor left, Tensor right) => !left.Equals(right);
}
