namespace Spos.Engine.Training;

/// <summary>
/// Shards of a batch that follow each other, from <paramref name="First"/> to before <paramref name="End"/>: a node of the fixed binary
/// tree in which what they come to is added. A sum in floating point depends on its order, and this one on the number of shards alone.
/// </summary>
public readonly record struct ShardRange(int First, int End)
{
    public int Count => End - First;

    /// <summary>Whether it is one shard.</summary>
    public bool IsLeaf => Count == 1;

    /// <summary>The first half, which has one more if the shards are odd in number.</summary>
    public ShardRange Left => new(First, Middle);

    /// <summary>The second half.</summary>
    public ShardRange Right => new(Middle, End);

    private int Middle => First + (Count + 1) / 2;

    /// <summary>The shards that one of several equal workers has: they differ by one shard at most.</summary>
    public static ShardRange Of(int shards, int worker, int workers) =>
        new((int)((long)shards * worker / workers), (int)((long)shards * (worker + 1) / workers));

    /// <summary>The largest nodes at and below this one that lie in a range, in order: who has the range can add these up alone.</summary>
    public IEnumerable<ShardRange> Within(ShardRange range)
    {
        if (range.First >= End || range.End <= First) return [];
        return range.First <= First && End <= range.End ? [this] : Left.Within(range).Concat(Right.Within(range));
    }
}
