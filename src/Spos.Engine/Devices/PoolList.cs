namespace Spos.Engine.Devices;

/// <summary>The buffer pools of a device: what one keeps is another's when the device is full.</summary>
internal sealed class PoolList
{
    private readonly Lock _lock = new();
    private readonly HashSet<BufferPool> _pools = [];

    /// <summary>
    /// Held while a graph is captured. Its memory cannot be freed before the capture ends, which is soon, so a thread that is short of
    /// memory waits for that.
    /// </summary>
    public Lock GraphMaking { get; } = new();

    public void Add(BufferPool pool)
    {
        lock (_lock) _pools.Add(pool);
    }

    public void Remove(BufferPool pool)
    {
        lock (_lock) _pools.Remove(pool);
    }

    /// <summary>How many bytes there are from an address to the end of its buffer; null if it is in no buffer that is handed out.</summary>
    public long? RoomAt(ulong address)
    {
        lock (_lock) return _pools.Select(pool => pool.RoomAt(address)).FirstOrDefault(room => room != null);
    }

    /// <summary>Has all pools give back what they keep, and returns how many bytes that was.</summary>
    public long Trim()
    {
        lock (GraphMaking)
        {
            BufferPool[] pools;
            lock (_lock) pools = [.. _pools];
            return pools.Sum(pool => pool.Trim());
        }
    }
}
