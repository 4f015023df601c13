namespace Spos.Engine.Devices;

/// <summary>Buffers that nobody holds, by their size.</summary>
internal sealed class KeptBuffers
{
    private readonly SortedList<long, Stack<DeviceBuffer>> _bySize = [];

    public void Add(DeviceBuffer buffer)
    {
        if (!_bySize.TryGetValue(buffer.Size, out Stack<DeviceBuffer>? stack)) _bySize[buffer.Size] = stack = new Stack<DeviceBuffer>();
        stack.Push(buffer);
    }

    /// <summary>A buffer of the smallest kept size that has room for the bytes; null if that is more than half as large again.</summary>
    public DeviceBuffer? Take(long size)
    {
        int low = 0, high = _bySize.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_bySize.GetKeyAtIndex(middle) < size) low = middle + 1;
            else high = middle;
        }
        for (; low < _bySize.Count && _bySize.GetKeyAtIndex(low) <= size + size / 2; low++)
        {
            if (_bySize.GetValueAtIndex(low).TryPop(out DeviceBuffer? buffer)) return buffer;
        }
        return null;
    }

    /// <summary>All of them, which are no longer kept here.</summary>
    public IEnumerable<DeviceBuffer> TakeAll()
    {
        foreach (Stack<DeviceBuffer> stack in _bySize.Values)
        {
            while (stack.TryPop(out DeviceBuffer? buffer)) yield return buffer;
        }
    }
}
