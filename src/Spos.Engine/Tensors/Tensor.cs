using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

namespace Spos.Engine.Tensors;

/// <summary>
/// Values on a device, NHWC, dense: floats, or what <see cref="ElementType"/> says. A tensor is one reference to its memory: whoever holds
/// it disposes of it, and <see cref="Retain"/> makes another reference. Views share the memory of what they were cut from. Copies of the
/// handle are the same reference: once one of them is disposed of, all are. References are taken from those let go, so that they cost the
/// heap nothing.
/// </summary>
public readonly unsafe struct Tensor : IDisposable, IEquatable<Tensor>
{
    private static long _identities;

    private readonly TensorReference? _reference;
    private readonly long _use;

    /// <summary>Takes over one reference to <paramref name="buffer"/>; <paramref name="offset"/> counts values.</summary>
    public Tensor(DeviceBuffer buffer, Shape shape, long offset = 0, ElementType type = ElementType.Float32)
        : this(buffer, shape, offset, type, Interlocked.Increment(ref _identities))
    {
    }

    private Tensor(DeviceBuffer buffer, Shape shape, long offset, ElementType type, long identity)
    {
        if ((offset + shape.Count) * type.Size > buffer.Size)
        {
            throw new ArgumentOutOfRangeException(nameof(shape), $"A tensor {shape} does not fit its buffer.");
        }
        _reference = TensorReference.Take(buffer, shape, type, offset, identity);
        _use = _reference.Use;
    }

    public Shape Shape => Reference.Shape;

    /// <summary>What its values are.</summary>
    public ElementType ElementType => Reference.Type;

    /// <summary>The same for all references to one value: what gradients are kept under.</summary>
    internal long Identity => Reference.Identity;

    /// <summary>Whether there is another reference to its memory.</summary>
    internal bool IsHeldBesides => Reference.Buffer.References > 1;

    internal ulong Address => Reference.Address;

    private TensorReference Reference =>
        _reference != null && _reference.Use == _use ? _reference : throw new ObjectDisposedException(nameof(Tensor));

    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public static implicit operator DeviceSpan<float>(Tensor tensor) => tensor.Reference.Span<float>();

    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public static implicit operator ReadOnlyDeviceSpan<float>(Tensor tensor) => tensor.Reference.Span<float>();

    /// <exception cref="InvalidOperationException">It holds no values of bf16.</exception>
    public static implicit operator DeviceSpan<Bf16>(Tensor tensor) => tensor.Reference.Span<Bf16>();

    /// <exception cref="InvalidOperationException">It holds no values of bf16.</exception>
    public static implicit operator ReadOnlyDeviceSpan<Bf16>(Tensor tensor) => tensor.Reference.Span<Bf16>();

    /// <summary>For a kernel that takes values of either type.</summary>
    public static implicit operator ElementSpan(Tensor tensor) => tensor.Reference.Elements;

    /// <summary>For a kernel: the floats from the one at <paramref name="offset"/> on.</summary>
    internal DeviceSpan<float> From(long offset) => From<float>(offset);

    /// <summary>For a kernel: the values from the one at <paramref name="offset"/> on.</summary>
    /// <exception cref="InvalidOperationException">They are of another type.</exception>
    internal DeviceSpan<T> From<T>(long offset)
        where T : unmanaged
    {
        DeviceSpan<T> all = Reference.Span<T>();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, all.Length);
        return new DeviceSpan<T>(all.Device, all.Address + (ulong)offset * (ulong)sizeof(T), all.Length - offset);
    }

    /// <summary>Another reference to the same value.</summary>
    public Tensor Retain()
    {
        TensorReference reference = Reference;
        reference.Buffer.Retain();
        return new Tensor(reference.Buffer, reference.Shape, reference.Offset, reference.Type, reference.Identity);
    }

    /// <summary>A part of the memory as a tensor of its own, <paramref name="offset"/> values from the start.</summary>
    public Tensor View(Shape shape, long offset = 0)
    {
        TensorReference reference = Reference;
        if (offset < 0 || offset + shape.Count > Shape.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"{shape} at {offset} is outside {Shape}.");
        }
        reference.Buffer.Retain();
        return new Tensor(reference.Buffer, shape, reference.Offset + offset, reference.Type);
    }

    /// <summary>Copies values in. Returns when <paramref name="values"/> may be changed again.</summary>
    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public void Upload(DeviceStream stream, ReadOnlySpan<float> values) => UploadAll(stream, values);

    /// <summary>Copies values in. Returns when <paramref name="values"/> may be changed again.</summary>
    /// <exception cref="InvalidOperationException">It holds no values of bf16.</exception>
    public void Upload(DeviceStream stream, ReadOnlySpan<Bf16> values) => UploadAll(stream, values);

    /// <summary>Copies all values out, after the work issued to <paramref name="stream"/>.</summary>
    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public float[] Download(DeviceStream stream)
    {
        float[] values = new float[Shape.Count];
        Download(stream, values);
        return values;
    }

    /// <summary>Copies all values out, after the work issued to <paramref name="stream"/>.</summary>
    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public void Download(DeviceStream stream, Span<float> values) => DownloadAll(stream, values);

    /// <summary>Copies all values out, after the work issued to <paramref name="stream"/>.</summary>
    /// <exception cref="InvalidOperationException">It holds no values of bf16.</exception>
    public void Download(DeviceStream stream, Span<Bf16> values) => DownloadAll(stream, values);

    /// <summary>Copies <paramref name="source"/>, of the same shape and type, over this.</summary>
    public void CopyFrom(DeviceStream stream, Tensor source)
    {
        if (source.Shape != Shape) throw new ArgumentException($"{source.Shape} copied to {Shape}.");
        source.Reference.Require(ElementType);
        CudaDriver driver = stream.Device.Driver;
        nuint bytes = (nuint)Shape.Count * (nuint)ElementType.Size;
        driver.Check(driver.CopyDeviceToDevice(AddressOn(stream), source.AddressOn(stream), bytes, stream.Handle), "cuMemcpyDtoDAsync");
    }

    /// <summary>Sets all values to <paramref name="value"/>.</summary>
    /// <exception cref="InvalidOperationException">It holds no floats.</exception>
    public void Fill(DeviceStream stream, float value)
    {
        Reference.Require(ElementType.Float32);
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

    private void UploadAll<T>(DeviceStream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Reference.Require(ElementType.Of<T>());
        if (values.Length != Shape.Count) throw new ArgumentException($"{values.Length} values for a tensor {Shape}.");
        fixed (T* source = values)
        {
            CudaDriver driver = stream.Device.Driver;
            nuint bytes = (nuint)values.Length * (nuint)sizeof(T);
            driver.Check(driver.CopyHostToDevice(AddressOn(stream), source, bytes, stream.Handle), "cuMemcpyHtoDAsync");
        }
        stream.Synchronize();
    }

    private void DownloadAll<T>(DeviceStream stream, Span<T> values)
        where T : unmanaged
    {
        Reference.Require(ElementType.Of<T>());
        if (values.Length != Shape.Count) throw new ArgumentException($"{values.Length} values for a tensor {Shape}.");
        fixed (T* target = values)
        {
            CudaDriver driver = stream.Device.Driver;
            nuint bytes = (nuint)values.Length * (nuint)sizeof(T);
            driver.Check(driver.CopyDeviceToHost(target, AddressOn(stream), bytes, stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
        stream.Device.Downloaded?.Invoke(MemoryMarshal.AsBytes(values));
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
