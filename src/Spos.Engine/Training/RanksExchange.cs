using System.Numerics;
using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Ranks;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>By way of the CPU's memory: what carries the values is an <see cref="IRanks"/>, and the CPU adds them.</summary>
internal sealed class RanksExchange(IRanks ranks, int shards, Session session) : ShardExchange(ranks, shards, session)
{
    private float[] _sent = [], _received = [];

    protected override void Add(IReadOnlyList<Tensor> sums)
    {
        float[][] values = [.. sums.Select(one => one.Download(Aside.Stream))];
        Add(values, values[0]);
        sums[0].Upload(Aside.Stream, values[0]);
    }

    private void Add(float[][] sums, Span<float> total)
    {
        int length = total.Length;
        (int First, int Length)[] segments = [.. Enumerable.Range(0, Ranks.Count).Select(rank => SegmentOf(length, rank))];
        int own = segments[Ranks.Rank].Length;
        int[] sentCounts = [.. segments.Select(segment => segment.Length * sums.Length)];
        int[] receivedCounts = [.. Nodes.Select(theirs => theirs.Length * own)];
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
        Ranks.Exchange(sent, sentCounts, received, receivedCounts);
        foreach ((int sum, int other) in Additions) Add(received.Slice(sum * own, own), received.Slice(other * own, own));
        int[] bytes = [.. segments.Select(segment => segment.Length * sizeof(float))];
        Ranks.Gather(MemoryMarshal.AsBytes(received[..own]), MemoryMarshal.AsBytes(total), bytes);
    }

    private static void Add(Span<float> sum, ReadOnlySpan<float> other)
    {
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        ReadOnlySpan<Vector<float>> others = MemoryMarshal.Cast<float, Vector<float>>(other);
        for (int i = 0; i < sums.Length; i++) sums[i] += others[i];
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += other[i];
    }

    private static Span<float> Room(ref float[] array, int length)
    {
        if (array.Length < length) array = new float[length];
        return array.AsSpan(0, length);
    }
}
