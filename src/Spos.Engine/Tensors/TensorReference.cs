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

    /// <summary>Floats from the buffer's start.</summary>
    public long Offset { get; private set; }

    public long Identity { get; private set; }

    public ulong Address => Buffer.Pointer + (ulong)Offset * sizeof(float);

    /// <summary>The values, for a kernel.</summary>
    public DeviceSpan<float> Span
    {
        get
        {
            DeviceBuffer buffer = Buffer;
            return new DeviceSpan<float>(buffer.Device, buffer.Pointer + (ulong)Offset * sizeof(float), Shape.Count);
        }
    }

    /// <summary>Takes over one reference to <paramref name="buffer"/>.</summary>
    public static TensorReference Take(DeviceBuffer buffer, Shape shape, long offset, long identity)
    {
        TensorReference reference = _free != null && _free.TryPop(out TensorReference? free) ? free : new TensorReference();
        (reference._buffer, reference.Shape, reference.Offset, reference.Identity) = (buffer, shape, offset, identity);
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
}
