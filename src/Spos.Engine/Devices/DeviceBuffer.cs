namespace Spos.Engine.Devices;

/// <summary>
/// A piece of device memory, shared by counting references: the last release returns it to its pool, which hands it out again.
/// </summary>
public sealed class DeviceBuffer
{
    private readonly BufferPool _pool;
    private int _references;
    private volatile bool _takenBack;

    internal DeviceBuffer(BufferPool pool, ulong pointer, long size) => (_pool, Memory, Size) = (pool, pointer, size);

    /// <summary>Bytes of room.</summary>
    public long Size { get; }

    /// <summary>The plan in the making that handed it out, without memory; null for memory of a device.</summary>
    internal IRecording? Recording { get; init; }

    internal ulong Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_references <= 0 || _takenBack, this);
            return Memory;
        }
    }

    /// <summary>How many hold it.</summary>
    internal int References => _references;

    /// <summary>The memory, whether or not somebody holds it: for the pool.</summary>
    internal ulong Memory { get; }

    internal Device Device => _pool.Device;

    /// <summary>The pool's list of what is handed out, in the order of renting, and the number of this renting.</summary>
    internal DeviceBuffer? Before { get; set; }

    internal DeviceBuffer? After { get; set; }

    internal long Renting { get; set; }

    /// <summary>Hands it out: to one holder.</summary>
    internal DeviceBuffer Begin()
    {
        _references = 1;
        return this;
    }

    /// <summary>The pool takes the memory from whoever holds it: nothing but letting go is possible from now on.</summary>
    internal void TakeBack() => _takenBack = true;

    internal void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _references) <= 1 || _takenBack, this);
    }

    internal void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        if (_takenBack) return;
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left != 0) return;
        if (Recording is { } recording) recording.Return(this);
        else _pool.Return(this);
    }
}
