using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>
/// Adds up the sums of several processes, each of whose shards make up a few nodes of the tree of <see cref="ShardRange"/>. Each process
/// owns a segment of the values: it is sent that of all nodes, adds it up by the tree, and gives the sum to all. So the bits do not depend
/// on how many processes there are, nor on what carries the values. Values are added up on another thread, by a stream and memory of its
/// own, so that the session computes meanwhile.
/// </summary>
internal abstract class ShardExchange
{
    // What keeps a step from being done is told, also if another process, which the exchange waits for, has none of it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly List<(int Sum, int Other)> _additions = [];
    private readonly Session _session;
    private Task _begun = Task.CompletedTask;

    protected ShardExchange(IRanks ranks, int shards, Session session)
    {
        (Ranks, _session) = (ranks, session);
        var all = new ShardRange(0, shards);
        Nodes = [.. Enumerable.Range(0, ranks.Count).Select(rank => all.Within(ShardRange.Of(shards, rank, ranks.Count)).ToArray())];
        Dictionary<ShardRange, int> places = Nodes.SelectMany(nodes => nodes).Index().ToDictionary(node => node.Item, node => node.Index);
        Parts = places.Count;
        Plan(all, places);
    }

    /// <summary>The nodes that this process adds up by itself, in order.</summary>
    public IReadOnlyList<ShardRange> Own => Nodes[Ranks.Rank];

    /// <summary>What others send takes on the device, in sums of all values.</summary>
    public virtual int SumsOnDevice => 0;

    protected IRanks Ranks { get; }

    /// <summary>Where values are added up and carried. It ends with the session.</summary>
    protected Session Aside => field ??= _session.Attachment(session => new Session(session.Device));

    /// <summary>By process, the nodes that it adds up by itself.</summary>
    protected IReadOnlyList<ShardRange[]> Nodes { get; }

    /// <summary>Nodes of all processes: parts of the sum, counted from 0 in order.</summary>
    protected int Parts { get; }

    /// <summary>Additions of one part to another, in the order of the tree. The first part is the sum then.</summary>
    protected IReadOnlyList<(int Sum, int Other)> Additions => _additions;

    /// <param name="link">Null for what <paramref name="ranks"/> carries.</param>
    public static ShardExchange Of(IRanks ranks, int shards, Session session, NcclLink? link) =>
        link == null ? new RanksExchange(ranks, shards, session) : new NcclExchange(ranks, shards, session, link);

    /// <summary>
    /// Begins to add up all shards, once the session's stream has come to this point and what was begun before is done. Until
    /// <see cref="End"/>, the processes' <see cref="IRanks"/> must not be used otherwise.
    /// </summary>
    /// <param name="sums">
    /// By node of <see cref="Own"/>; all of the same length. It disposes of them. The first one's values become the sum of all shards.
    /// </param>
    /// <exception cref="RanksException">As <see cref="End"/>, of what was begun before.</exception>
    public void Begin(Tensor[] sums)
    {
        if (_begun.IsFaulted) End();
        Session aside = Aside;
        DeviceEvent summed = DeviceEvent.On(_session.Stream);
        // Each on a thread of its own: while it waits for others, a thread of the pool could be missing that they wait for.
        _begun = _begun.ContinueWith(AddWhenSummed, CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);

        void AddWhenSummed(Task before)
        {
            try
            {
                before.GetAwaiter().GetResult();
                aside.Stream.Wait(summed);
                Add(sums);
            }
            finally
            {
                summed.Dispose();
                foreach (Tensor sum in sums) sum.Dispose();
            }
        }
    }

    /// <summary>Waits until all that was begun is done.</summary>
    /// <exception cref="RanksException">Another process cannot be reached.</exception>
    public void End()
    {
        _begun.GetAwaiter().GetResult();
        _begun = Task.CompletedTask;
    }

    /// <summary>Ends a step that has failed: whatever else fails is not told.</summary>
    /// <returns>
    /// Whether nothing is under way any longer. Else memory that the step had may still be written to: another process does not answer, or
    /// a GPU's exchange has failed.
    /// </returns>
    public bool GiveUp()
    {
        Task.WaitAny([_begun], Patience);
        // What a GPU does is not over because a call has failed.
        if (!_begun.IsCompleted || (_begun.IsFaulted && SumsOnDevice > 0)) return false;
        if (!_begun.IsCompletedSuccessfully) Aside.Pool.GiveBackSince(0);
        _begun = Task.CompletedTask;
        return true;
    }

    /// <summary>Adds up all shards and waits until it is done.</summary>
    /// <param name="sums">As <see cref="Begin"/> is given them.</param>
    protected abstract void Add(IReadOnlyList<Tensor> sums);

    /// <summary>The values of a process's segment.</summary>
    protected (int First, int Length) SegmentOf(long length, int rank)
    {
        int first = (int)(length * rank / Ranks.Count), end = (int)(length * (rank + 1) / Ranks.Count);
        return (first, end - first);
    }

    // Where a node's sum is: it takes the place of its first part's.
    private int Plan(ShardRange node, Dictionary<ShardRange, int> places)
    {
        if (places.TryGetValue(node, out int place)) return place;
        int sum = Plan(node.Left, places);
        _additions.Add((sum, Plan(node.Right, places)));
        return sum;
    }
}
