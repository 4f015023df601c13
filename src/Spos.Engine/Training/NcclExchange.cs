using Spos.Engine.Autograd;
using Spos.Engine.Ranks;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>From GPU to GPU: NCCL carries the values, and the GPU adds them. Kernel: add_in_place.</summary>
internal sealed class NcclExchange(IRanks ranks, int shards, Session session, NcclLink link) : ShardExchange(ranks, shards, session)
{
    // A segment of each node.
    public override int SumsOnDevice => (Parts + Ranks.Count - 1) / Ranks.Count;

    protected override void Add(IReadOnlyList<Tensor> sums)
    {
        int own = SegmentOf(sums[0].Shape.Count, Ranks.Rank).Length;
        var parts = new Tensor[Parts];
        for (int i = 0; own > 0 && i < Parts; i++) parts[i] = Aside.Rent(Shape.Vector(own));
        link.Group(() =>
        {
            int part = 0;
            for (int peer = 0; peer < Ranks.Count; peer++)
            {
                foreach (Tensor sum in sums) WithSegment(sum, peer, segment => link.Send(segment, peer, Aside.Stream));
                for (int i = 0; i < Nodes[peer].Length; i++, part++)
                {
                    if (own > 0) link.Receive(parts[part], peer, Aside.Stream);
                }
            }
        });
        foreach ((int sum, int other) in Additions)
        {
            if (own > 0) GradientTable.AddInPlace(Aside, parts[sum], parts[other]);
        }
        link.Group(() =>
        {
            for (int peer = 0; peer < Ranks.Count; peer++)
            {
                if (own > 0) link.Send(parts[0], peer, Aside.Stream);
                WithSegment(sums[0], peer, segment => link.Receive(segment, peer, Aside.Stream));
            }
        });
        foreach (Tensor part in parts) part.Dispose();
        link.Wait(Aside.Stream);
    }

    // There are no values for some where there are more processes than values.
    private void WithSegment(Tensor values, int rank, Action<Tensor> use)
    {
        (int first, int length) = SegmentOf(values.Shape.Count, rank);
        if (length == 0) return;
        using Tensor segment = values.View(Shape.Vector(length), first);
        use(segment);
    }
}
