namespace Spos.Engine.Ranks;

/// <summary>A process that works alone, as without mpirun. MPI is not loaded.</summary>
public sealed class OneRank : IRanks
{
    /// <summary>The one.</summary>
    public static OneRank Alone { get; } = new();

    public int Rank => 0;

    public int Count => 1;

    public int OnMachine => 1;

    public bool IsAskedToStop => false;

    public void StopAll()
    {
    }

    public void Exchange(
        ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts) =>
        sent.CopyTo(received);

    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts) => own.CopyTo(all);

    public void Broadcast(Span<byte> bytes)
    {
    }

    public void Leave()
    {
    }

    public void Dispose()
    {
    }
}
