using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// Device memory kept for reuse, for the work of one stream: a buffer given back is handed out again at once, which is
/// right only because the stream runs its work in order. Sizes are rounded up a little, and a kept buffer may be half as large again as
/// what is asked for, so that nearly equal ones share. While a <see cref="DeviceGraph"/> is captured, it gets the buffers that are given
/// back. When the device is full, all of its pools free what they keep, and their graphs end.
/// </summary>
public sealed unsafe class BufferPool : IDisposable
{
    private const long Granule = 256;

    private readonly DeviceStream _stream;
    private readonly KeptBuffers _free = new();
    private readonly HashSet<DeviceGraph> _graphs = [];
    private readonly Lock _lock = new();

    // The end of the list of buffers that are handed out.
    private DeviceBuffer? _newest;

    // While a graph is captured: the buffers that its launches no longer need, which are the graph's. Else null.
    private KeptBuffers? _captured;
    private long _bytesInUse;
    private bool _disposed;

    public BufferPool(Device device, DeviceStream stream)
    {
        (Device, _stream) = (device, stream);
        device.Pools.Add(this);
    }

    public Device Device { get; }

    /// <summary>Whether every buffer is handed out full of NaN, so that a test sees what an op forgot to write.</summary>
    public bool Poison { get; set; }

    /// <summary>While a plan is made: who notes what is rented, and hands out buffers without memory. Else null.</summary>
    internal IRecording? Recording { get; set; }

    /// <summary>Buffers handed out and not yet given back.</summary>
    public int InUse { get; private set; }

    /// <summary>The most bytes handed out at once, since <see cref="ResetPeak"/>.</summary>
    public long PeakBytesInUse { get; private set; }

    /// <summary>Bytes taken from the device, in use or kept.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>How often a buffer was rented so far: a moment for <see cref="GiveBackSince"/>.</summary>
    public long Rentings { get; private set; }

    /// <summary>Begins <see cref="PeakBytesInUse"/> anew from what is in use.</summary>
    public void ResetPeak()
    {
        lock (_lock) PeakBytesInUse = _bytesInUse;
    }

    /// <summary>A buffer of at least <paramref name="bytes"/>; its contents are whatever was there before.</summary>
    /// <exception cref="DeviceMemoryException">The device is full, even without what pools keep. The pool is as it was.</exception>
    public DeviceBuffer Rent(long bytes)
    {
        if (Recording is { } recording) return recording.Rent(this, bytes);
        DeviceBuffer buffer = Take(SizeFor(bytes));
        if (Poison && !Device.ExactBuffers)
        {
            Device.MakeCurrent();
            Device.Driver.Check(Device.Driver.MemsetD8(buffer.Pointer, 0xFF, (nuint)buffer.Size, _stream.Handle), "cuMemsetD8Async");
        }
        return buffer;
    }

    /// <summary>Bytes that a buffer of so many takes of the device.</summary>
    internal long SizeFor(long bytes) => Device.ExactBuffers ? Math.Max(bytes, 1) : RoundUp(Math.Max(bytes, 1));

    private DeviceBuffer Take(long size)
    {
        lock (_lock)
        {
            DeviceBuffer? kept = Device.ExactBuffers ? null : _captured?.Take(size) ?? _free.Take(size);
            if (kept != null) return HandOut(kept);
        }
        ulong pointer = Allocate(size);
        lock (_lock)
        {
            ReservedBytes += size;
            return HandOut(new DeviceBuffer(this, pointer, size));
        }
    }

    private ulong Allocate(long size)
    {
        Device.MakeCurrent();
        if (TryAllocate(size, out ulong pointer)) return pointer;
        // Freeing waits for the stream, which nobody can while it is captured. Whoever captures it works without a graph then.
        long kept = _captured == null ? Device.Pools.Trim() : 0;
        if (_captured == null && TryAllocate(size, out pointer)) return pointer;
        throw Full(size, kept);
    }

    /// <summary>What says that the device is full.</summary>
    /// <param name="asked">Bytes that were asked for; 0 if a library asked, which does not tell.</param>
    /// <param name="kept">Bytes that were kept for reuse, and were given back in vain.</param>
    internal DeviceMemoryException Full(long asked, long kept) => new(Device, asked, _bytesInUse, kept);

    private bool TryAllocate(long size, out ulong pointer)
    {
        ulong memory = 0;
        // A captured stream would allocate at each launch of the graph, and not now.
        CudaResult result = Device.ExactBuffers && _captured == null
            ? Device.Driver.MemAllocAsync(&memory, (nuint)size, _stream.Handle)
            : Device.Driver.MemAlloc(&memory, (nuint)size);
        if (result != CudaResult.OutOfMemory) Device.Driver.Check(result, $"cuMemAlloc({size} bytes)");
        pointer = memory;
        return result == CudaResult.Success;
    }

    // Puts a buffer at the end of the list of those in use.
    private DeviceBuffer HandOut(DeviceBuffer buffer)
    {
        InUse++;
        _bytesInUse += buffer.Size;
        PeakBytesInUse = Math.Max(PeakBytesInUse, _bytesInUse);
        (buffer.Renting, buffer.Before, buffer.After) = (++Rentings, _newest, null);
        _newest?.After = buffer;
        _newest = buffer;
        return buffer.Begin();
    }

    private void TakeOffList(DeviceBuffer buffer)
    {
        InUse--;
        _bytesInUse -= buffer.Size;
        buffer.Before?.After = buffer.After;
        if (buffer.After == null) _newest = buffer.Before;
        else buffer.After.Before = buffer.Before;
        (buffer.Before, buffer.After) = (null, null);
    }

    /// <summary>How many bytes there are from an address to the end of its buffer; null if it is in none that is handed out.</summary>
    internal long? RoomAt(ulong address)
    {
        lock (_lock)
        {
            for (DeviceBuffer? buffer = _newest; buffer != null; buffer = buffer.Before)
            {
                if (address >= buffer.Memory && address - buffer.Memory < (ulong)buffer.Size)
                {
                    return buffer.Size - (long)(address - buffer.Memory);
                }
            }
            return null;
        }
    }

    internal void Return(DeviceBuffer buffer)
    {
        lock (_lock)
        {
            TakeOffList(buffer);
            if (_captured is { } graph) graph.Add(buffer);
            else Keep(buffer);
        }
    }

    private void Keep(DeviceBuffer buffer)
    {
        if (_disposed || Device.ExactBuffers) Free(buffer);
        else _free.Add(buffer);
    }

    /// <summary>Begins the capture of a graph: from now on <paramref name="memory"/> gets the buffers that are given back.</summary>
    internal void BeginCapture(KeptBuffers memory)
    {
        lock (_lock) _captured = memory;
    }

    /// <summary>Ends the capture. The graph that came of it ends with the pool, or when the device is short of memory.</summary>
    internal void EndCapture(DeviceGraph graph)
    {
        lock (_lock)
        {
            _captured = null;
            _graphs.Add(graph);
        }
    }

    /// <summary>Ends a capture of which no graph came: the memory is the pool's again.</summary>
    internal void GiveUpCapture()
    {
        lock (_lock)
        {
            KeptBuffers memory = _captured!;
            _captured = null;
            foreach (DeviceBuffer buffer in memory.TakeAll()) Keep(buffer);
        }
    }

    /// <summary>Ends a graph that is no longer needed: its memory is the pool's again.</summary>
    internal void TakeBack(DeviceGraph graph)
    {
        lock (_lock)
        {
            _graphs.Remove(graph);
            foreach (DeviceBuffer buffer in graph.End()) Keep(buffer);
        }
    }

    /// <summary>
    /// Takes back what was rented after a moment and is still in use: for work that failed, whose ops do not give back what they had
    /// rented by then. Tensors in these buffers must not be used again.
    /// </summary>
    /// <param name="moment"><see cref="Rentings"/> when the work began.</param>
    public void GiveBackSince(long moment)
    {
        lock (_lock)
        {
            while (_newest is { } buffer && buffer.Renting > moment)
            {
                TakeOffList(buffer);
                buffer.TakeBack();
                Keep(new DeviceBuffer(this, buffer.Memory, buffer.Size));
            }
        }
    }

    /// <summary>
    /// Buffers that are given back from now on are used again only after what <paramref name="marker"/> recorded: for those
    /// that another stream reads.
    /// </summary>
    internal CudaResult TryWaitFor(DeviceEvent marker)
    {
        // What an ended pool gets back it frees, and freeing waits for all work.
        lock (_lock) return _disposed ? CudaResult.Success : _stream.TryWait(marker);
    }

    /// <summary>Gives the kept buffers back to the device; those still in use follow when they are released.</summary>
    public void Dispose()
    {
        Device.Pools.Remove(this);
        lock (_lock)
        {
            _disposed = true;
            FreeKept();
        }
    }

    /// <summary>
    /// Gives the kept buffers and those of graphs back to the device, and returns how many bytes they had. From any thread.
    /// </summary>
    internal long Trim()
    {
        lock (_lock) return FreeKept();
    }

    private long FreeKept()
    {
        long before = ReservedBytes;
        foreach (DeviceBuffer buffer in _free.TakeAll()) Free(buffer);
        foreach (DeviceGraph graph in _graphs)
        {
            foreach (DeviceBuffer buffer in graph.End()) Free(buffer);
        }
        _graphs.Clear();
        return before - ReservedBytes;
    }

    private void Free(DeviceBuffer buffer)
    {
        _ = Device.TryMakeCurrent();
        // A pool that has ended may have outlived its stream; freeing then waits for all work.
        _ = Device.ExactBuffers && !_disposed
            ? Device.Driver.MemFreeAsync(buffer.Memory, _stream.Handle)
            : Device.Driver.MemFree(buffer.Memory);
        ReservedBytes -= buffer.Size;
    }

    // Eight sizes to each power of two: at most an eighth is wasted.
    private static long RoundUp(long bytes)
    {
        long step = Math.Max(Granule, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return (bytes + step - 1) / step * step;
    }
}
