using System.Diagnostics;
using System.Text;

namespace Spos.Engine.Ranks;

/// <summary>Processes that MPI connects, each with all others.</summary>
public sealed unsafe class MpiRanks : IRanks
{
    // Bytes of one message: MPI counts in ints.
    private const int MostBytes = 1 << 30;

    // What is as small as this may be waited for long, while another process reads pictures, say: then the CPU is left to others.
    private const int SmallBytes = 1 << 16;

    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);

    // While what is larger is on its way, another thread computes, maybe on the same core. MPI moves values when it is asked whether they
    // have come, so it is asked often.
    private static readonly TimeSpan LargeBusyWait = TimeSpan.FromMilliseconds(1);

    private const uint NapInMicroseconds = 50;

    private readonly MpiLibrary _mpi;
    private readonly Lock _gate = new();
    private readonly SignsOfLife _life;
    private readonly CancellationToken _asked;
    private readonly CancellationTokenSource _stopped = new();

    // The machine of each process, once they have told each other.
    private readonly string[] _machines = [];

    /// <summary>Connects with the others.</summary>
    /// <param name="timeout">How long another may give no sign of life.</param>
    /// <param name="lost">Called, from another thread, with the number of one that has given none for so long: all have to end.</param>
    /// <param name="asked">Signalled when this process is asked to stop.</param>
    /// <exception cref="DllNotFoundException">Spos was built without MPI.</exception>
    /// <exception cref="RanksException">MPI fails, or is another one than the launcher's.</exception>
    public MpiRanks(TimeSpan timeout, Action<int> lost, CancellationToken asked)
    {
        _mpi = new MpiLibrary();
        _asked = asked;
        (Rank, Count, OnMachine) = _mpi.Begin();
        if ((Launcher.Rank ?? Rank) != Rank || (Launcher.Count ?? Count) != Count)
        {
            throw new RanksException(
                $"the launcher says that this is process {Launcher.Rank} of {Launcher.Count}, and MPI that it is {Rank} of {Count}: they "
                + "are of different MPIs. Start it by the launcher of the MPI that Spos was built with, or build Spos with this one's "
                + "mpicc.");
        }
        int[] peers = Rank == 0 ? [.. Enumerable.Range(1, Count - 1)] : [0];
        _life = new SignsOfLife(_mpi, _gate, peers, timeout, lost);
        _machines = [.. this.GatherAll<byte>(Encoding.UTF8.GetBytes(Environment.MachineName)).Select(Encoding.UTF8.GetString)];
    }

    public int Rank { get; }

    public int Count { get; }

    public int OnMachine { get; }

    public bool IsAskedToStop => _asked.IsCancellationRequested;

    /// <summary>Signalled when all of them stop.</summary>
    public CancellationToken Stopped => _stopped.Token;

    public string NameOf(int rank) =>
        _machines.Distinct().Count() > 1 ? $"process {rank} on {_machines[rank]}" : $"process {rank}";

    public void StopAll() => _stopped.Cancel();

    public void Exchange(ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts)
    {
        Require(sent.Length, sentCounts);
        Require(received.Length, receivedCounts);
        int[] sentPlaces = PlacesOf(sentCounts), receivedPlaces = PlacesOf(receivedCounts);
        fixed (int* counts = sentCounts, places = sentPlaces, otherCounts = receivedCounts, otherPlaces = receivedPlaces)
        fixed (float* from = sent, to = received)
        {
            lock (_gate) _mpi.Exchange(from, counts, places, to, otherCounts, otherPlaces);
            Wait(isSmall: false);
        }
    }

    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts)
    {
        Require(all.Length, counts);
        if (own.Length != counts[Rank]) throw new ArgumentException($"{own.Length} bytes, not {counts[Rank]}.", nameof(own));
        fixed (int* lengths = counts, places = PlacesOf(counts))
        fixed (byte* from = own, to = all)
        {
            lock (_gate) _mpi.Gather(from, own.Length, to, lengths, places);
            Wait(all.Length <= SmallBytes);
        }
    }

    public void Broadcast(Span<byte> bytes)
    {
        for (int first = 0; first < bytes.Length; first += MostBytes)
        {
            Span<byte> part = bytes.Slice(first, Math.Min(MostBytes, bytes.Length - first));
            fixed (byte* start = part)
            {
                lock (_gate) _mpi.Broadcast(start, part.Length);
                Wait(part.Length <= SmallBytes);
            }
        }
    }

    public void Leave()
    {
        // Who has to wait for long still gives signs of life.
        this.GatherAll<byte>([]);
        _life.Dispose();
        lock (_gate) _mpi.End();
    }

    /// <summary>Ends all of them at once, since this one cannot go on, whatever another thread does.</summary>
    public void Abort(int code) => _mpi.Abort(code);

    public void Dispose()
    {
        _life.Dispose();
        _stopped.Dispose();
    }

    private void Wait(bool isSmall)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            lock (_gate)
            {
                if (_mpi.IsDone()) return;
            }
            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            if (isSmall && waited > BusyWait) Thread.Sleep(1);
            else if (!isSmall && waited > LargeBusyWait) _ = MpiLibrary.Nap(NapInMicroseconds);
            else Thread.Yield();
        }
    }

    private static int[] PlacesOf(ReadOnlySpan<int> counts)
    {
        int[] places = new int[counts.Length];
        for (int i = 1; i < places.Length; i++) places[i] = checked(places[i - 1] + counts[i - 1]);
        return places;
    }

    private void Require(int length, ReadOnlySpan<int> counts)
    {
        long sum = 0;
        foreach (int count in counts) sum += count;
        if (counts.Length != Count || sum != length) throw new ArgumentException($"{counts.Length} counts of {sum} values for {length}.");
    }
}
