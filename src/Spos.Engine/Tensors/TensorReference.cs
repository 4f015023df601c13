using System.Diagnostics.CodeAnalysis;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tensors;

/// <summary>
/// What a <see cref="Tensor"/> refers to. Each use of the object has a number of its own, by which a handle that outlived its use is known.
/// </summary>
internal sealed class TensorReference
{
    // A step holds some hundreds at once. Threads that only let go keep no more than this.
    private const int MostFree = 4096;

    [ThreadStatic]
    private static Stack<TensorReference>? _free;

    private DeviceBuffer? _buffer;

    private TensorReference()
    {
    }

    public long Use { get; private set; }

    public DeviceBuffer Buffer => _buffer ?? throw new ObjectDisposedException(nameof(Tensor));

    public Shape Shape { get; private set; }

    public ElementType Type { get; private set; }

    /// <summary>Values from the buffer's start.</summary>
    public long Offset { get; private set; }

    public long Identity { get; private set; }

    public ulong Address => Buffer.Pointer + (ulong)Offset * (ulong)Type.Size;

    /// <summary>The values, for a kernel that takes either type.</summary>
    public ElementSpan Elements => new(Buffer.Device, Address, Shape.Count, Type);

    /// <summary>The values, for a kernel.</summary>
    /// <exception cref="InvalidOperationException">They are of another type.</exception>
    public DeviceSpan<T> Span<T>()
        where T : unmanaged
    {
        DeviceBuffer buffer = Buffer;
        Require(ElementType.Of<T>());
        return new DeviceSpan<T>(buffer.Device, Address, Shape.Count);
    }

    /// <exception cref="InvalidOperationException">The values are of another type.</exception>
    public void Require(ElementType type)
    {
        if (Type != type) Refuse(type);
    }

    /// <summary>Takes over one reference to <paramref name="buffer"/>.</summary>
    public static TensorReference Take(DeviceBuffer buffer, Shape shape, ElementType type, long offset, long identity)
    {
        TensorReference reference = _free != null && _free.TryPop(out TensorReference? free) ? free : new TensorReference();
        (reference._buffer, reference.Shape, reference.Type) = (buffer, shape, type);
        (reference.Offset, reference.Identity) = (offset, identity);
        return reference;
    }

    public void Release()
    {
        DeviceBuffer buffer = Buffer;
        _buffer = null;
        Use++;
        _free ??= new Stack<TensorReference>();
        if (_free.Count < MostFree) _free.Push(this);
        buffer.Release();
    }

    [DoesNotReturn]
    private void Refuse(ElementType type) => throw new InvalidOperationException(
        $"The tensor {Shape} holds values of {Type}, and is used as one of {type}.");
}
