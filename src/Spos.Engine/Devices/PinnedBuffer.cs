using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>Host memory that the device can copy from while the CPU goes on. It grows and keeps its room.</summary>
public sealed unsafe class PinnedBuffer(Device device) : IDisposable
{
    private void* _pointer;
    private long _size;

    /// <summary>Room for <paramref name="count"/> values. What was in it before is lost if it had to grow; no copy from it may be pending.</summary>
    public Span<T> Get<T>(int count)
        where T : unmanaged
    {
        long bytes = (long)count * sizeof(T);
        if (bytes > _size)
        {
            Dispose();
            device.MakeCurrent();
            void* pointer;
            long size = bytes + bytes / 4;
            CudaResult result = device.Driver.MemHostAlloc(&pointer, (nuint)size, 0);
            if (result == CudaResult.OutOfMemory) throw new DeviceMemoryException(device, size, 0, 0);
            device.Driver.Check(result, $"cuMemHostAlloc({size} bytes)");
            _pointer = pointer;
            _size = size;
        }
        return new Span<T>(_pointer, count);
    }

    public void Dispose()
    {
        if (_pointer == null) return;
        device.MakeCurrent();
        _ = device.Driver.MemFreeHost(_pointer);
        _pointer = null;
        _size = 0;
    }
}
