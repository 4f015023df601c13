using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Spos.Engine.Ranks;

namespace Spos.Engine.Tests.Training;

/// <summary>Threads in the place of processes. What one fails of has the others fail, too.</summary>
internal sealed class ThreadRanks(int rank, Barrier meeting, ReadOnlyMemory<byte>[] slots) : IRanks
{
    /// <summary>What each of so many comes to.</summary>
    public static T[] Run<T>(int count, Func<ThreadRanks, T> work)
    {
        using var meeting = new Barrier(count);
        var slots = new ReadOnlyMemory<byte>[count];
        var results = new T[count];
        ExceptionDispatchInfo? failure = null;
        void Work(int rank)
        {
            try
            {
                results[rank] = work(new ThreadRanks(rank, meeting, slots));
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);
                // Nobody waits for it any more.
                meeting.RemoveParticipant();
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, count).Select(rank => new Thread(() => Work(rank)))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        failure?.Throw();
        return results;
    }

    public int Rank => rank;

    public int Count => slots.Length;

    public int OnMachine => slots.Length;

    public bool IsAskedToStop { get; set; }

    /// <summary>Whether all have stopped.</summary>
    public bool HasStopped { get; private set; }

    public void StopAll() => HasStopped = true;

    public void Exchange(
        ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts)
    {
        int length = sent.Length, place = 0;
        int[] offsets = new int[Count];
        for (int i = 1; i < Count; i++) offsets[i] = offsets[i - 1] + sentCounts[i - 1];
        Assert.Equal(length, offsets[^1] + sentCounts[^1]);
        // What each sends begins with where the parts are.
        byte[] packet = [.. MemoryMarshal.AsBytes(offsets.AsSpan()), .. MemoryMarshal.AsBytes(sent)];
        slots[rank] = packet;
        meeting.SignalAndWait();
        for (int sender = 0; sender < Count; sender++)
        {
            ReadOnlySpan<byte> other = slots[sender].Span;
            int first = MemoryMarshal.Cast<byte, int>(other)[rank];
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(other[(Count * sizeof(int))..]);
            values.Slice(first, receivedCounts[sender]).CopyTo(received[place..]);
            place += receivedCounts[sender];
        }
        meeting.SignalAndWait();
    }

    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts)
    {
        slots[rank] = own.ToArray();
        meeting.SignalAndWait();
        int place = 0;
        for (int owner = 0; owner < Count; owner++)
        {
            Assert.Equal(counts[owner], slots[owner].Length);
            slots[owner].Span.CopyTo(all[place..]);
            place += counts[owner];
        }
        meeting.SignalAndWait();
    }

    public void Broadcast(Span<byte> bytes)
    {
        if (rank == 0) slots[0] = bytes.ToArray();
        meeting.SignalAndWait();
        slots[0].Span.CopyTo(bytes);
        meeting.SignalAndWait();
    }

    public void Leave() => meeting.SignalAndWait();

    public void Abort(int code) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
