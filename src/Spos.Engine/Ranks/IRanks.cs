using System.Runtime.InteropServices;

namespace Spos.Engine.Ranks;

/// <summary>
/// The processes that do a run's work together, or the devices of one. Each calls the same of these at the same time, from one thread at
/// a time; they return when the others have, too. Nothing is added here: whoever adds says in which order.
/// </summary>
public interface IRanks : IDisposable
{
    /// <summary>This process's number, from 0. The first one alone writes files and tells what is done.</summary>
    int Rank { get; }

    int Count { get; }

    /// <summary>How many of them are on this machine.</summary>
    int OnMachine { get; }

    bool IsFirst => Rank == 0;

    /// <summary>What a process is called in messages.</summary>
    string NameOf(int rank) => $"process {rank}";

    /// <summary>What several of them are called.</summary>
    string Plural => "processes";

    /// <summary>Whether this process was asked to stop.</summary>
    bool IsAskedToStop { get; }

    /// <summary>Signalled when another has failed, so that this one's work is in vain; not among processes, which end then.</summary>
    CancellationToken Broken => CancellationToken.None;

    /// <summary>All of them stop, for one was asked to: called by each after the same step.</summary>
    void StopAll();

    /// <summary>Sends values to each and receives from each.</summary>
    /// <param name="sent">What the first gets, then what the second gets, and so on.</param>
    /// <param name="sentCounts">By receiver.</param>
    /// <param name="received">What the first sent, and so on.</param>
    /// <param name="receivedCounts">By sender.</param>
    void Exchange(ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts);

    /// <summary>Gives what each has to all.</summary>
    /// <param name="all">What the first has, then what the second has, and so on.</param>
    /// <param name="counts">By owner, in bytes.</param>
    void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts);

    /// <summary>Gives what the first one has to all others.</summary>
    void Broadcast(Span<byte> bytes);

    /// <summary>All is done: waits for the others and leaves them.</summary>
    void Leave();
}

/// <summary>What is made of <see cref="IRanks"/>.</summary>
public static class RanksExtensions
{
    /// <summary>What each has, by rank; they may have different numbers of values.</summary>
    public static T[][] GatherAll<T>(this IRanks ranks, ReadOnlySpan<T> own)
        where T : unmanaged
    {
        int[] counts = new int[ranks.Count], sizes = new int[ranks.Count];
        Array.Fill(sizes, sizeof(int));
        int bytes = MemoryMarshal.AsBytes(own).Length;
        ranks.Gather(MemoryMarshal.AsBytes([bytes]), MemoryMarshal.AsBytes(counts.AsSpan()), sizes);
        byte[] all = new byte[counts.Sum()];
        ranks.Gather(MemoryMarshal.AsBytes(own), all, counts);
        var found = new T[ranks.Count][];
        int place = 0;
        for (int rank = 0; rank < ranks.Count; rank++)
        {
            found[rank] = MemoryMarshal.Cast<byte, T>(all.AsSpan(place, counts[rank])).ToArray();
            place += counts[rank];
        }
        return found;
    }
}
