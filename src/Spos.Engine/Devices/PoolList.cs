namespace Spos.Engine.Devices;

/// <summary>The buffer pools of a device: what one keeps is another's when the device is full.</summary>
internal sealed class PoolList
{
    private readonly Lock _lock = new();
    private readonly HashSet<BufferPool> _pools = [];

    public void Add(BufferPool pool)
    {
        lock (_lock) _pools.Add(pool);
    }

    public void Remove(BufferPool pool)
    {
        lock (_lock) _pools.Remove(pool);
    }

    /// <summary>Has all pools give back what they keep, and returns how many bytes that was.</summary>
    public long Trim()
    {
        BufferPool[] pools;
        lock (_lock) pools = [.. _pools];
        return pools.Sum(pool => pool.Trim());
    }
}
