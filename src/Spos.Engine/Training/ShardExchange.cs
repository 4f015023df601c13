using System.Numerics;
using System.Runtime.InteropServices;
using Spos.Engine.Ranks;

namespace Spos.Engine.Training;

/// <summary>
/// Adds up the sums of several processes, each of whose shards make up a few nodes of the tree of <see cref="ShardRange"/>. Each process
/// owns a segment of the values: it is sent that of all nodes, adds it up by the tree, and gives the sum to all. So the bits do not depend
/// on how many processes there are.
/// </summary>
internal sealed class ShardExchange(IRanks ranks, int shards)
{
    private readonly ShardRange _all = new(0, shards);
    private float[] _sent = [], _received = [];

    /// <summary>The nodes that this process adds up by itself, in order.</summary>
    public IReadOnlyList<ShardRange> Own { get; } = NodesOf(shards, ranks.Rank, ranks.Count);

    /// <summary>Adds up all shards.</summary>
    /// <param name="sums">By node of <see cref="Own"/>; all of the same length.</param>
    /// <param name="total">Of all shards, on each process.</param>
    public void Add(IReadOnlyList<float[]> sums, Span<float> total)
    {
        int count = ranks.Count, length = total.Length;
        (int First, int Length)[] segments = [.. Enumerable.Range(0, count).Select(rank => SegmentOf(length, rank, count))];
        ShardRange[][] nodes = [.. Enumerable.Range(0, count).Select(rank => NodesOf(shards, rank, count))];
        int own = segments[ranks.Rank].Length;
        int[] sentCounts = [.. segments.Select(segment => segment.Length * sums.Count)];
        int[] receivedCounts = [.. nodes.Select(theirs => theirs.Length * own)];
        Span<float> sent = Room(ref _sent, sentCounts.Sum()), received = Room(ref _received, receivedCounts.Sum());
        int place = 0;
        foreach ((int first, int size) in segments)
        {
            foreach (float[] sum in sums)
            {
                sum.AsSpan(first, size).CopyTo(sent[place..]);
                place += size;
            }
        }
        ranks.Exchange(sent, sentCounts, received, receivedCounts);
        var places = new Dictionary<ShardRange, int>();
        foreach (ShardRange node in nodes.SelectMany(n => n)) places[node] = places.Count * own;
        Span<float> segmentSum = Sum(_all, places, received, own);
        int[] bytes = [.. segments.Select(segment => segment.Length * sizeof(float))];
        ranks.Gather(MemoryMarshal.AsBytes(segmentSum), MemoryMarshal.AsBytes(total), bytes);
    }

    // The sum of a node takes the place of its first part's.
    private static Span<float> Sum(ShardRange node, Dictionary<ShardRange, int> places, Span<float> values, int length)
    {
        if (places.TryGetValue(node, out int place)) return values.Slice(place, length);
        Span<float> sum = Sum(node.Left, places, values, length);
        Add(sum, Sum(node.Right, places, values, length));
        return sum;
    }

    private static void Add(Span<float> sum, ReadOnlySpan<float> other)
    {
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        ReadOnlySpan<Vector<float>> others = MemoryMarshal.Cast<float, Vector<float>>(other);
        for (int i = 0; i < sums.Length; i++) sums[i] += others[i];
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += other[i];
    }

    private static ShardRange[] NodesOf(int shards, int rank, int ranks) =>
        [.. new ShardRange(0, shards).Within(ShardRange.Of(shards, rank, ranks))];

    private static (int First, int Length) SegmentOf(int length, int rank, int ranks)
    {
        int first = (int)((long)length * rank / ranks), end = (int)((long)length * (rank + 1) / ranks);
        return (first, end - first);
    }

    private static Span<float> Room(ref float[] array, int length)
    {
        if (array.Length < length) array = new float[length];
        return array.AsSpan(0, length);
    }
}
