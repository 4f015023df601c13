using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Ranks;

/// <summary>native/mpi/mpi.c, built with the MPI that is there. Not from two threads at once.</summary>
internal sealed unsafe partial class MpiLibrary
{
    private const string Name = "spos_mpi";
    private const int NoThreads = -1;

    private readonly delegate* unmanaged<int*, int*, int*, int> _begin;
    private readonly delegate* unmanaged<float*, int*, int*, float*, int*, int*, int> _exchange;
    private readonly delegate* unmanaged<byte*, int, byte*, int*, int*, int> _gather;
    private readonly delegate* unmanaged<byte*, int, int> _broadcast;
    private readonly delegate* unmanaged<int*, int> _test, _hear;
    private readonly delegate* unmanaged<int, int> _beat;
    private readonly delegate* unmanaged<int> _end;
    private readonly delegate* unmanaged<int, void> _abort;

    /// <exception cref="DllNotFoundException">Spos was built without MPI, or it cannot be loaded.</exception>
    public MpiLibrary()
    {
        // UCX, which some MPIs use, takes SIGSEGV for itself when it is loaded, and .NET needs that signal for null references. It reads
        // the C library's environment, which .NET's own does not reach.
        _ = SetVariable("UCX_ERROR_SIGNALS", "", 0);
        nint library = Load();
        nint Find(string name) => NativeLibrary.GetExport(library, $"{Name}_{name}");
        _begin = (delegate* unmanaged<int*, int*, int*, int>)Find("begin");
        _exchange = (delegate* unmanaged<float*, int*, int*, float*, int*, int*, int>)Find("exchange");
        _gather = (delegate* unmanaged<byte*, int, byte*, int*, int*, int>)Find("gather");
        _broadcast = (delegate* unmanaged<byte*, int, int>)Find("broadcast");
        _test = (delegate* unmanaged<int*, int>)Find("test");
        _hear = (delegate* unmanaged<int*, int>)Find("hear");
        _beat = (delegate* unmanaged<int, int>)Find("beat");
        _end = (delegate* unmanaged<int>)Find("end");
        _abort = (delegate* unmanaged<int, void>)Find("abort");
    }

    /// <summary>This process's number, how many there are, and how many of them are on this machine.</summary>
    public (int Rank, int Ranks, int OnMachine) Begin()
    {
        int rank, ranks, local;
        int error = _begin(&rank, &ranks, &local);
        if (error == NoThreads) throw new RanksException("this MPI allows calls from one thread only (MPI_THREAD_SERIALIZED is needed).");
        Check(error, "MPI_Init_thread");
        return (rank, ranks, local);
    }

    public void Exchange(float* sent, int* sentCounts, int* sentPlaces, float* received, int* receivedCounts, int* receivedPlaces) =>
        Check(_exchange(sent, sentCounts, sentPlaces, received, receivedCounts, receivedPlaces), "MPI_Ialltoallv");

    public void Gather(byte* own, int count, byte* all, int* counts, int* places) =>
        Check(_gather(own, count, all, counts, places), "MPI_Iallgatherv");

    public void Broadcast(byte* bytes, int count) => Check(_broadcast(bytes, count), "MPI_Ibcast");

    /// <summary>Whether what was begun last is done.</summary>
    public bool IsDone()
    {
        int done;
        Check(_test(&done), "MPI_Test");
        return done != 0;
    }

    public void Beat(int rank) => Check(_beat(rank), "MPI_Isend");

    /// <summary>Whose sign of life has come; null if there is none.</summary>
    public int? Hear()
    {
        int rank;
        Check(_hear(&rank), "MPI_Iprobe");
        return rank < 0 ? null : rank;
    }

    public void End() => Check(_end(), "MPI_Finalize");

    /// <summary>Ends all processes; it may not return.</summary>
    public void Abort(int code) => _abort(code);

    private static nint Load()
    {
        try
        {
            return NativeLibraries.Load(Name);
        }
        catch (DllNotFoundException error)
        {
            throw new DllNotFoundException(
                "mpirun or srun started several of this program, which was built without MPI, or with another one. Install an MPI "
                + $"(libopenmpi-dev and openmpi-bin) and run ./spos once, which builds what it needs. {error.Message}", error);
        }
    }

    private static void Check(int error, string call)
    {
        if (error == 0) return;
        throw new RanksException(
            $"{call} failed with MPI's error {error}: another process or the network may be gone. Run the same command again, and it goes "
            + "on from the last checkpoint.");
    }

    /// <summary>Leaves the core to others; .NET's own sleep takes a millisecond at least.</summary>
    [LibraryImport("libc", EntryPoint = "usleep")]
    public static partial int Nap(uint microseconds);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
