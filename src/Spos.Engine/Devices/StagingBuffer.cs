using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// Page-locked memory of the host that is filled and copied to the device while the CPU goes on. It is filled again only when its last
/// copy has run, whatever else the stream has to do. It grows and keeps its room.
/// </summary>
internal sealed unsafe class StagingBuffer(Device device) : IDisposable
{
    private DeviceEvent? _copied;
    private byte* _memory;
    private long _size;

    /// <summary>Room for <paramref name="bytes"/>, with arbitrary contents, to be filled before <see cref="CopyTo"/>.</summary>
    public byte* Begin(long bytes)
    {
        // The last copy may still be on its way.
        _copied?.Synchronize();
        if (bytes > _size) Grow(bytes + bytes / 4);
        return _memory;
    }

    /// <summary>Issues a copy of the first <paramref name="bytes"/>.</summary>
    public void CopyTo(ulong target, long bytes, DeviceStream stream)
    {
        if (bytes > _size) throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"The buffer has {_size} bytes.");
        CudaResult result = device.Driver.CopyHostToDevice(target, _memory, (nuint)bytes, stream.Handle);
        device.Driver.Check(result, $"cuMemcpyHtoDAsync({bytes} bytes)");
        _copied ??= new DeviceEvent(device);
        _copied.Record(stream);
    }

    public void Dispose()
    {
        _copied?.Drain();
        _copied?.Dispose();
        _copied = null;
        Free();
    }

    private void Grow(long size)
    {
        Free();
        device.MakeCurrent();
        void* memory;
        CudaResult result = device.Driver.MemHostAlloc(&memory, (nuint)size, 0);
        if (result == CudaResult.OutOfMemory) throw new DeviceMemoryException(device, size, 0, 0);
        device.Driver.Check(result, $"cuMemHostAlloc({size} bytes)");
        _memory = (byte*)memory;
        _size = size;
    }

    private void Free()
    {
        if (_memory == null) return;
        _ = device.TryMakeCurrent();
        _ = device.Driver.MemFreeHost(_memory);
        _memory = null;
        _size = 0;
    }
}
