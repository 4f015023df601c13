namespace Spos.Engine.Devices;

/// <summary>A piece of device memory, shared by counting references: the last release returns it to its pool, which hands it out again.</summary>
public sealed class DeviceBuffer
{
    private readonly BufferPool _pool;
    private readonly long _size;
    private readonly ulong _pointer;
    private int _references;

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
            ObjectDisposedException.ThrowIf(_references <= 0, this);
            return _pointer;
        }
    }

    /// <summary>The memory, whether or not somebody holds it: for the pool.</summary>
    internal ulong Memory => _pointer;

    internal Device Device => _pool.Device;

    /// <summary>Hands it out: to one holder.</summary>
    internal DeviceBuffer Begin()
    {
        _references = 1;
        return this;
    }

    internal void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _references) <= 1, this);
    }

    internal void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left != 0) return;
        _pool.Return(this);
    }
}
