using Spos.Engine.Ranks;

namespace Spos.Engine.Tests.Training;

/// <summary>Does what other ranks do, for tests that watch or change some of it.</summary>
internal class ForwardingRanks(IRanks ranks) : IRanks
{
    public int Rank => ranks.Rank;

    public int Count => ranks.Count;

    public int OnMachine => ranks.OnMachine;

    public string Plural => ranks.Plural;

    public bool IsAskedToStop { get; set; }

    public CancellationToken Broken => ranks.Broken;

    public string NameOf(int rank) => ranks.NameOf(rank);

    public void StopAll() => ranks.StopAll();

    public virtual void Exchange(
        ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts) =>
        ranks.Exchange(sent, sentCounts, received, receivedCounts);

    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts) => ranks.Gather(own, all, counts);

    public void Broadcast(Span<byte> bytes) => ranks.Broadcast(bytes);

    public void Leave() => ranks.Leave();

    public void Dispose()
    {
    }
}
