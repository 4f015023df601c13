using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Spos.Engine.Ranks;

/// <summary>
/// Devices of one process, a thread for each. Each thread tells where its values lie, all meet, copy what they want of the others' values,
/// and meet again. When one fails, all others that wait for it, or come to wait for it, fail too.
/// </summary>
public sealed unsafe class DeviceRanks : IRanks
{
    private readonly DeviceMeeting _meeting;
    private readonly CancellationToken _asked;
    private readonly CancellationTokenSource _stopped;

    private DeviceRanks(DeviceMeeting meeting, int rank, CancellationToken asked)
    {
        (_meeting, Rank, _asked) = (meeting, rank, asked);
        _stopped = CancellationTokenSource.CreateLinkedTokenSource(meeting.Broken);
    }

    public int Rank { get; }

    public int Count => _meeting.Count;

    public int OnMachine => Count;

    public string Plural => "devices";

    public bool IsAskedToStop => _asked.IsCancellationRequested;

    /// <summary>Signalled when all of them stop.</summary>
    public CancellationToken Stopped => _stopped.Token;

    public CancellationToken Broken => _meeting.Broken;

    /// <summary>Has the devices of these names work, each on a thread of its own, and waits for all.</summary>
    /// <param name="names">What each is called in messages.</param>
    /// <param name="patience">How long all have to end once one has failed: a kernel or a file system may hang. Null for any time.</param>
    /// <param name="overdue">Called with what it has failed of when that time is over: it should end the program.</param>
    /// <param name="asked">Signalled when they are asked to stop.</param>
    /// <returns>What each came to. If some fail by themselves, what the one of the lowest number failed of is thrown.</returns>
    public static T[] Run<T>(
        IReadOnlyList<string> names, Func<DeviceRanks, T> work, TimeSpan? patience = null, Action<Exception>? overdue = null,
        CancellationToken asked = default)
    {
        using var meeting = new DeviceMeeting(names);
        using var ended = new CountdownEvent(names.Count);
        var results = new T[names.Count];
        for (int i = 0; i < names.Count; i++)
        {
            int rank = i;
            try
            {
                new Thread(() => Work(rank)) { IsBackground = true, Name = names[rank] }.Start();
            }
            catch (Exception error)
            {
                End(rank, error);
            }
        }
        WaitHandle.WaitAny([ended.WaitHandle, meeting.Broken.WaitHandle]);
        TimeSpan left = patience ?? Timeout.InfiniteTimeSpan;
        if (meeting.Failure is { } early && !ended.Wait(left, CancellationToken.None)) overdue?.Invoke(early);
        ended.Wait(CancellationToken.None);
        if (meeting.Failure is { } failure) ExceptionDispatchInfo.Throw(failure);
        return results;

        void Work(int rank)
        {
            try
            {
                using (var ranks = new DeviceRanks(meeting, rank, asked))
                {
                    results[rank] = work(ranks);
                    ranks.Leave();
                }
                End(rank, null);
            }
            catch (Exception error)
            {
                End(rank, error);
            }
        }

        void End(int rank, Exception? failure)
        {
            try
            {
                if (failure != null) meeting.Break(rank, failure);
            }
            finally
            {
                ended.Signal();
            }
        }
    }

    public string NameOf(int rank) => _meeting.Names[rank];

    public void StopAll() => _stopped.Cancel();

    public void Exchange(ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts)
    {
        Require(sent.Length, sentCounts);
        Require(received.Length, receivedCounts);
        fixed (float* values = sent)
        fixed (int* counts = sentCounts)
        {
            ReadOnlySpan<DeviceOffer> all = Meet(new DeviceOffer((nint)values, (nint)counts));
            bool fits = AreSame(all);
            for (int sender = 0, place = 0; fits && sender < Count; sender++)
            {
                var theirs = new ReadOnlySpan<int>((void*)all[sender].Counts, Count);
                int first = 0, length = theirs[Rank];
                foreach (int count in theirs[..Rank]) first += count;
                fits = length == receivedCounts[sender];
                if (fits) new ReadOnlySpan<float>((float*)all[sender].Values + first, length).CopyTo(received[place..]);
                place += length;
            }
            Part(fits);
        }
    }

    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts)
    {
        Require(all.Length, counts);
        if (own.Length != counts[Rank]) throw new ArgumentException($"{own.Length} bytes, not {counts[Rank]}.", nameof(own));
        fixed (byte* values = own)
        fixed (int* lengths = counts)
        {
            ReadOnlySpan<DeviceOffer> offers = Meet(new DeviceOffer((nint)values, (nint)lengths));
            bool fits = AreSame(offers);
            for (int owner = 0, place = 0; fits && owner < Count; owner++)
            {
                int length = new ReadOnlySpan<int>((void*)offers[owner].Counts, Count)[owner];
                fits = length == counts[owner];
                if (fits) new ReadOnlySpan<byte>((void*)offers[owner].Values, length).CopyTo(all[place..]);
                place += length;
            }
            Part(fits);
        }
    }

    public void Broadcast(Span<byte> bytes)
    {
        int length = bytes.Length;
        fixed (byte* values = bytes)
        {
            ReadOnlySpan<DeviceOffer> all = Meet(new DeviceOffer((nint)values, (nint)(&length)));
            bool fits = AreSame(all) && *(int*)all[0].Counts == length;
            if (fits && Rank > 0) new ReadOnlySpan<byte>((void*)all[0].Values, length).CopyTo(bytes);
            Part(fits);
        }
    }

    public void Leave()
    {
        bool fits = AreSame(Meet(default));
        Part(fits);
    }

    public void Dispose() => _stopped.Dispose();

    private ReadOnlySpan<DeviceOffer> Meet(DeviceOffer offer, [CallerMemberName] string call = "") =>
        _meeting.Meet(Rank, offer with { Call = call });

    // Only now may what this one has told of change: the others have it.
    private void Part(bool fits)
    {
        _meeting.Part();
        if (!fits) throw new InvalidOperationException("Devices pass each other different things.");
    }

    private static bool AreSame(ReadOnlySpan<DeviceOffer> all)
    {
        foreach (DeviceOffer one in all)
        {
            if (one.Call != all[0].Call) return false;
        }
        return true;
    }

    private void Require(int length, ReadOnlySpan<int> counts)
    {
        long sum = 0;
        foreach (int count in counts) sum += count;
        if (counts.Length != Count || sum != length) throw new ArgumentException($"{counts.Length} counts of {sum} values for {length}.");
    }
}
