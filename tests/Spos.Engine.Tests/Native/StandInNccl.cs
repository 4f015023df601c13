using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// NCCL's entry points over queues between threads, which stand for processes, for any device: values are copied on the given stream. One
/// test at a time uses it.
/// </summary>
internal sealed unsafe class StandInNccl : IDisposable
{
    public const int SystemError = 2, RemoteError = 6;

    private static readonly Lock Turn = new();
    private static readonly nint Text = Marshal.StringToCoTaskMemUTF8("remote process exited");
    private static readonly nint More = Marshal.StringToCoTaskMemUTF8("a peer\n");
    private static StandInNccl s_current = null!;

    // A group's calls of this thread.
    [ThreadStatic]
    private static List<(bool IsSend, ulong Address, int Count, int Peer, nint Stream)>? s_group;

    // Of the communicator that the thread has used last.
    [ThreadStatic]
    private static int s_rank;

    private readonly Device _device;
    private readonly ConcurrentDictionary<(int From, int To), BlockingCollection<byte[]>> _sent = new();
    private int _open, _aborted;

    public StandInNccl(Device device)
    {
        Turn.Enter();
        s_current = this;
        _device = device;
    }

    /// <summary>The call that fails in <see cref="FailingRank"/>; empty for none.</summary>
    public string FailingCall { get; init; } = "";

    public int FailingRank { get; init; }

    /// <summary>What ncclCommGetAsyncError gives.</summary>
    public int AsyncError { get; set; }

    /// <summary>How often that was asked for.</summary>
    public int Looks { get; private set; }

    /// <summary>Whether it has ncclGetLastError.</summary>
    public bool TellsMore { get; init; } = true;

    /// <summary>Communicators that were made and not let go.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Communicators that were given up.</summary>
    public int Aborted => Volatile.Read(ref _aborted);

    /// <summary>What was sent and not received.</summary>
    public int Left => _sent.Values.Sum(queue => queue.Count);

    public Nccl Library => new(name => name switch
    {
        "ncclGetVersion" => (nint)(delegate* unmanaged<int*, int>)&GetVersion,
        "ncclGetErrorString" => (nint)(delegate* unmanaged<int, nint>)&GetErrorString,
        "ncclGetLastError" => TellsMore ? (nint)(delegate* unmanaged<nint, nint>)&GetLastError : 0,
        "ncclGetUniqueId" => (nint)(delegate* unmanaged<Nccl.UniqueId*, int>)&GetUniqueId,
        "ncclCommInitRank" => (nint)(delegate* unmanaged<nint*, int, Nccl.UniqueId, int, int>)&CommInitRank,
        "ncclCommDestroy" => (nint)(delegate* unmanaged<nint, int>)&CommDestroy,
        "ncclCommAbort" => (nint)(delegate* unmanaged<nint, int>)&CommAbort,
        "ncclCommGetAsyncError" => (nint)(delegate* unmanaged<nint, int*, int>)&CommGetAsyncError,
        "ncclGroupStart" => (nint)(delegate* unmanaged<int>)&GroupStart,
        "ncclGroupEnd" => (nint)(delegate* unmanaged<int>)&GroupEnd,
        "ncclSend" => (nint)(delegate* unmanaged<ulong, nuint, int, int, nint, nint, int>)&Send,
        "ncclRecv" => (nint)(delegate* unmanaged<ulong, nuint, int, int, nint, nint, int>)&Recv,
        _ => throw new EntryPointNotFoundException(name),
    });

    public void Dispose() => Turn.Exit();

    private static int StatusOf(string call) =>
        s_current.FailingCall == call && s_current.FailingRank == s_rank ? SystemError : Nccl.Success;

    [UnmanagedCallersOnly]
    private static int GetVersion(int* version)
    {
        *version = 22105;
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static nint GetErrorString(int status) => Text;

    [UnmanagedCallersOnly]
    private static nint GetLastError(nint communicator) => More;

    [UnmanagedCallersOnly]
    private static int GetUniqueId(Nccl.UniqueId* id)
    {
        s_rank = 0;
        for (int i = 0; i < Nccl.UniqueId.Size; i++) id->Bytes[i] = (byte)(i + 1);
        return StatusOf("ncclGetUniqueId");
    }

    [UnmanagedCallersOnly]
    private static int CommInitRank(nint* communicator, int count, Nccl.UniqueId id, int rank)
    {
        s_rank = rank;
        for (int i = 0; i < Nccl.UniqueId.Size; i++)
        {
            if (id.Bytes[i] != (byte)(i + 1)) return SystemError;
        }
        if (StatusOf("ncclCommInitRank") is var status && status != Nccl.Success) return status;
        Interlocked.Increment(ref s_current._open);
        *communicator = rank + 1;
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int CommDestroy(nint communicator)
    {
        Interlocked.Decrement(ref s_current._open);
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int CommAbort(nint communicator)
    {
        Interlocked.Decrement(ref s_current._open);
        Interlocked.Increment(ref s_current._aborted);
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int CommGetAsyncError(nint communicator, int* error)
    {
        *error = s_current.AsyncError;
        s_current.Looks++;
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int GroupStart()
    {
        s_group = [];
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int Send(ulong address, nuint count, int type, int peer, nint communicator, nint stream) =>
        Add("ncclSend", true, address, count, type, peer, communicator, stream);

    [UnmanagedCallersOnly]
    private static int Recv(ulong address, nuint count, int type, int peer, nint communicator, nint stream) =>
        Add("ncclRecv", false, address, count, type, peer, communicator, stream);

    private static int Add(string call, bool isSend, ulong address, nuint count, int type, int peer, nint communicator, nint stream)
    {
        s_rank = (int)communicator - 1;
        bool isRight = s_group != null && type == Nccl.Float32 && communicator > 0;
        if (!isRight || StatusOf(call) != Nccl.Success)
        {
            s_group = null;
            return SystemError;
        }
        s_group!.Add((isSend, address, (int)count, peer, stream));
        return Nccl.Success;
    }

    [UnmanagedCallersOnly]
    private static int GroupEnd()
    {
        if (s_group is not { } calls) return SystemError;
        s_group = null;
        CudaDriver driver = s_current._device.Driver;
        foreach ((_, ulong address, int count, int peer, nint stream) in calls.Where(call => call.IsSend))
        {
            byte[] bytes = new byte[count * sizeof(float)];
            fixed (byte* to = bytes)
            {
                if (driver.CopyDeviceToHost(to, address, (nuint)bytes.Length, stream) != CudaResult.Success) return SystemError;
                if (driver.StreamSynchronize(stream) != CudaResult.Success) return SystemError;
            }
            Between(s_rank, peer).Add(bytes);
        }
        foreach ((_, ulong address, int count, int peer, nint stream) in calls.Where(call => !call.IsSend))
        {
            byte[] bytes = Between(peer, s_rank).Take();
            if (bytes.Length != count * sizeof(float)) return SystemError;
            fixed (byte* from = bytes)
            {
                if (driver.CopyHostToDevice(address, from, (nuint)bytes.Length, stream) != CudaResult.Success) return SystemError;
                if (driver.StreamSynchronize(stream) != CudaResult.Success) return SystemError;
            }
        }
        return Nccl.Success;
    }

    private static BlockingCollection<byte[]> Between(int from, int to) => s_current._sent.GetOrAdd((from, to), _ => []);
}
