namespace Spos.Engine.Devices;

/// <summary>A piece of device memory, shared by counting references: the last release returns it to its pool.</summary>
public sealed class DeviceBuffer
{
    private readonly BufferPool _pool;
    private readonly long _size;
    private ulong _pointer;
    private int _references = 1;

    internal DeviceBuffer(BufferPool pool, ulong pointer, long size)
    {
        _pool = pool;
        _pointer = pointer;
        _size = size;
    }

    /// <summary>Bytes of room.</summary>
    public long Size => _size;

    internal ulong Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == 0, this);
            return _pointer;
        }
    }

    internal Device Device => _pool.Device;

    internal void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _references) <= 1, this);
    }

    internal void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left != 0) return;
        ulong pointer = _pointer;
        _pointer = 0;
        _pool.Return(pointer, _size);
    }
}
