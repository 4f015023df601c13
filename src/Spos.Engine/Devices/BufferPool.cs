using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// Device memory kept for reuse, for the work of one stream: a buffer given back is handed out again at once, which is
/// right only because the stream runs its work in order. Sizes are rounded up a little, and a kept buffer may be half as large again as
/// what is asked for, so that nearly equal ones share.
/// </summary>
public sealed unsafe class BufferPool(Device device, DeviceStream stream) : IDisposable
{
    private const long Granule = 256;

    private readonly SortedList<long, Stack<DeviceBuffer>> _free = [];
    private readonly Lock _lock = new();
    private long _bytesInUse;
    private bool _disposed;

    public Device Device { get; } = device;

    /// <summary>Whether every buffer is handed out full of NaN, so that a test sees what an op forgot to write.</summary>
    public bool Poison { get; set; }

    /// <summary>Buffers handed out and not yet given back.</summary>
    public int InUse { get; private set; }

    /// <summary>The most bytes handed out at once, since <see cref="ResetPeak"/>.</summary>
    public long PeakBytesInUse { get; private set; }

    /// <summary>Bytes taken from the device, in use or kept.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Begins <see cref="PeakBytesInUse"/> anew from what is in use.</summary>
    public void ResetPeak()
    {
        lock (_lock) PeakBytesInUse = _bytesInUse;
    }

    /// <summary>A buffer of at least <paramref name="bytes"/>; its contents are whatever was there before.</summary>
    public DeviceBuffer Rent(long bytes)
    {
        DeviceBuffer buffer = Take(Device.ExactBuffers ? Math.Max(bytes, 1) : RoundUp(Math.Max(bytes, 1)));
        if (Poison && !Device.ExactBuffers)
        {
            Device.MakeCurrent();
            Device.Driver.Check(Device.Driver.MemsetD8(buffer.Pointer, 0xFF, (nuint)buffer.Size, stream.Handle), "cuMemsetD8Async");
        }
        return buffer;
    }

    private DeviceBuffer Take(long size)
    {
        lock (_lock)
        {
            InUse++;
            if (SmallestKept(size) is { } index)
            {
                long larger = _free.GetKeyAtIndex(index);
                Use(larger);
                return _free.GetValueAtIndex(index).Pop().Begin();
            }
            Use(size);
            ReservedBytes += size;
        }
        Device.MakeCurrent();
        ulong pointer;
        CudaResult result = Device.ExactBuffers ? Device.Driver.MemAllocAsync(&pointer, (nuint)size, stream.Handle) : Device.Driver.MemAlloc(&pointer, (nuint)size);
        Device.Driver.Check(result, $"cuMemAlloc({size} bytes)");
        return new DeviceBuffer(this, pointer, size).Begin();
    }

    private void Use(long size)
    {
        _bytesInUse += size;
        PeakBytesInUse = Math.Max(PeakBytesInUse, _bytesInUse);
    }

    // Where the smallest kept buffers lie that hold `size` bytes and are not much larger.
    private int? SmallestKept(long size)
    {
        int low = 0, high = _free.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_free.GetKeyAtIndex(middle) < size) low = middle + 1;
            else high = middle;
        }
        for (; low < _free.Count && _free.GetKeyAtIndex(low) <= size + size / 2; low++)
        {
            if (_free.GetValueAtIndex(low).Count > 0) return low;
        }
        return null;
    }

    internal void Return(DeviceBuffer buffer)
    {
        lock (_lock)
        {
            InUse--;
            _bytesInUse -= buffer.Size;
            if (_disposed || Device.ExactBuffers)
            {
                Free(buffer);
                return;
            }
            if (!_free.TryGetValue(buffer.Size, out Stack<DeviceBuffer>? stack)) _free[buffer.Size] = stack = new Stack<DeviceBuffer>();
            stack.Push(buffer);
        }
    }

    /// <summary>
    /// Buffers that are given back from now on are used again only after what <paramref name="marker"/> recorded: for those
    /// that another stream reads.
    /// </summary>
    internal void WaitFor(DeviceEvent marker)
    {
        lock (_lock)
        {
            // What an ended pool gets back it frees, and freeing waits for all work.
            if (!_disposed) stream.Wait(marker);
        }
    }

    /// <summary>Gives the kept buffers back to the device; those still in use follow when they are released.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (Stack<DeviceBuffer> stack in _free.Values)
            {
                while (stack.TryPop(out DeviceBuffer? buffer)) Free(buffer);
            }
        }
    }

    private void Free(DeviceBuffer buffer)
    {
        Device.MakeCurrent();
        // A pool that has ended may have outlived its stream; freeing then waits for all work.
        _ = Device.ExactBuffers && !_disposed ? Device.Driver.MemFreeAsync(buffer.Memory, stream.Handle) : Device.Driver.MemFree(buffer.Memory);
        ReservedBytes -= buffer.Size;
    }

    // Eight sizes to each power of two: at most an eighth is wasted.
    private static long RoundUp(long bytes)
    {
        long step = Math.Max(Granule, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return (bytes + step - 1) / step * step;
    }
}
