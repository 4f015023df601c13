using System.Text;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ranks;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>
/// What connects the GPUs of several processes: a communicator of NCCL's. It carries values in the order of a stream, and adds nothing.
/// Calls are made from one thread at a time, by all processes in the same order.
/// </summary>
public sealed unsafe class NcclLink : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly IRanks _ranks;
    private readonly Device _device;
    private readonly Nccl _nccl;
    private readonly Lock _gate = new();
    private readonly Timer _watch;
    private nint _communicator;
    private bool _waits;
    private string? _fault;

    internal NcclLink(IRanks ranks, Device device, Nccl nccl)
    {
        (_ranks, _device, _nccl) = (ranks, device, nccl);
        Nccl.UniqueId id = default;
        device.MakeCurrent();
        if (ranks.IsFirst) Check(nccl.GetUniqueId(&id), "ncclGetUniqueId");
        ranks.Broadcast(new Span<byte>(id.Bytes, Nccl.UniqueId.Size));
        nint communicator = 0;
        Check(nccl.CommInitRank(&communicator, ranks.Count, id, ranks.Rank), "ncclCommInitRank");
        _communicator = communicator;
        _watch = new Timer(_ => LookForFault(), null, Look, Look);
    }

    /// <summary>
    /// Connects the processes by NCCL, if that is wanted and all of them can; all of them come to the same, and those that stand alone need
    /// nothing.
    /// </summary>
    /// <param name="wanted">By this process.</param>
    /// <param name="told">What carries gradients, as a sentence; empty for a process that stands alone.</param>
    /// <returns>Null if gradients are carried by <paramref name="ranks"/>.</returns>
    /// <exception cref="RanksException">NCCL is wanted, and one has none; or NCCL fails.</exception>
    public static NcclLink? Open(IRanks ranks, Session session, GradientTransport wanted, out string told)
    {
        told = "";
        if (ranks.Count == 1) return null;
        Nccl? nccl = null;
        Version? version = null;
        string own = wanted == GradientTransport.Mpi
            ? "was started with --transport mpi"
            : Find(session.Device, out nccl, out version);
        string? whyNot = WhyNot(ranks, own, version);
        if (whyNot == null)
        {
            told = $"Gradients go from GPU to GPU by NCCL {version}.";
            return new NcclLink(ranks, session.Device, nccl!);
        }
        if (wanted == GradientTransport.Nccl)
        {
            throw new RanksException($"--transport nccl: {whyNot}. --transport mpi, and auto, need no NCCL; the results are the same.");
        }
        // Where there are no GPUs, or MPI was asked for, nobody asks why.
        bool isExpected = wanted == GradientTransport.Mpi || session.Device.Kind != DeviceKind.Cuda.Name;
        told = $"Gradients go from process to process by MPI{(isExpected ? "" : $", and not by NCCL: {whyNot}")}.";
        return null;
    }

    /// <summary>Does what several calls of <see cref="Send"/> and <see cref="Receive"/> do at once: none waits for another.</summary>
    internal void Group(Action calls)
    {
        lock (_gate)
        {
            _device.MakeCurrent();
            Check(_nccl.GroupStart(), "ncclGroupStart");
            int end;
            try
            {
                calls();
            }
            finally
            {
                // A group in which a call failed issues nothing.
                end = _nccl.GroupEnd();
            }
            Check(end, "ncclGroupEnd");
        }
    }

    /// <summary>In a group: sends values, which another process receives by as many calls.</summary>
    internal void Send(Tensor values, int peer, DeviceStream stream)
    {
        ulong address = values.AddressOn(stream);
        int status = _nccl.Send(address, (nuint)values.Shape.Count, Nccl.Float32, peer, _communicator, stream.Handle);
        if (status != Nccl.Success) Check(status, $"ncclSend to {_ranks.NameOf(peer)}");
    }

    /// <summary>In a group: receives what another process sends, over these values.</summary>
    internal void Receive(Tensor values, int peer, DeviceStream stream)
    {
        ulong address = values.AddressOn(stream);
        int status = _nccl.Recv(address, (nuint)values.Shape.Count, Nccl.Float32, peer, _communicator, stream.Handle);
        if (status != Nccl.Success) Check(status, $"ncclRecv from {_ranks.NameOf(peer)}");
    }

    /// <summary>
    /// Waits until all that was issued to a stream has arrived. That another process gives no sign of life, <see cref="SignsOfLife"/>
    /// notices and ends this one, whatever it waits for.
    /// </summary>
    /// <exception cref="RanksException">NCCL could not carry it.</exception>
    internal void Wait(DeviceStream stream) => Wait(stream.Synchronize);

    /// <param name="until">Returns when it has arrived, or was given up.</param>
    internal void Wait(Action until)
    {
        lock (_gate) _waits = true;
        try
        {
            until();
        }
        catch (DeviceException) when (_fault != null)
        {
            // What was given up may fail.
        }
        finally
        {
            lock (_gate) _waits = false;
        }
        if (_fault is { } fault) throw new RanksException(fault);
    }

    /// <summary>Ends the link. All processes call it, once they need it no longer: NCCL may wait for each of them here.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_communicator != 0) _ = _nccl.CommDestroy(_communicator);
            _communicator = 0;
        }
    }

    /// <summary>
    /// Without <see cref="Close"/> this process has failed and will end. The communicator is left to the system then: NCCL could wait here
    /// for the others, who wait for this one.
    /// </summary>
    public void Dispose() => _watch.Dispose();

    // What keeps a process from NCCL, as the end of a sentence about it; empty if nothing does.
    private static string Find(Device device, out Nccl? nccl, out Version? version)
    {
        (nccl, version) = (null, null);
        if (device.Kind != DeviceKind.Cuda.Name) return $"computes on {device.Id}, which is no NVIDIA GPU";
        if (LibrarySearch.OfMachine.Find(NvidiaLibrary.Nccl) is not [var found, ..])
        {
            return $"finds no NCCL: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Nccl)}";
        }
        try
        {
            nccl = new Nccl(found);
            version = nccl.ReadVersion();
        }
        catch (EntryPointNotFoundException error)
        {
            return $"has {found.Path}, which has no {error.Message}: NCCL {Nccl.Oldest} or later is needed";
        }
        if (version == null) return $"has {found.Path}, which does not tell its version";
        return version >= Nccl.Oldest ? "" : $"has NCCL {version}, {found.Path}, and {Nccl.Oldest} or later is needed";
    }

    // What keeps the processes from NCCL; null if nothing does. Each comes to the same, whatever it wants itself.
    private static string? WhyNot(IRanks ranks, string own, Version? version)
    {
        string[] Gather(string text) => [.. ranks.GatherAll<byte>(Encoding.UTF8.GetBytes(text)).Select(Encoding.UTF8.GetString)];
        string[] reasons = Gather(own), versions = Gather($"{version}");
        int without = Array.FindIndex(reasons, reason => reason.Length > 0);
        if (without >= 0) return $"{ranks.NameOf(without)} {reasons[without]}";
        int other = Array.FindIndex(versions, one => one != versions[0]);
        return other < 0 ? null : $"{ranks.NameOf(other)} has NCCL {versions[other]}, and {ranks.NameOf(0)} {versions[0]}";
    }

    // Work on the GPU may wait for ever for a process that cannot send: whoever waits for it is let go, and told.
    private void LookForFault()
    {
        // While calls are made, they tell themselves.
        if (!_gate.TryEnter()) return;
        try
        {
            if (!_waits || _communicator == 0) return;
            int error, status = _nccl.CommGetAsyncError(_communicator, &error);
            if (status == Nccl.Success) status = error;
            if (status is Nccl.Success or Nccl.InProgress) return;
            _fault = FaultOf(status, "what was sent has not arrived");
            nint communicator = _communicator;
            _communicator = 0;
            // It lets go what waits on the GPU, and may itself wait for other processes then.
            new Thread(() => _nccl.CommAbort(communicator)) { IsBackground = true }.Start();
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Check(int status, string call)
    {
        if (status == Nccl.Success) return;
        throw new RanksException(FaultOf(status, $"{call} failed"));
    }

    private string FaultOf(int status, string what) =>
        $"NCCL in {_ranks.NameOf(_ranks.Rank)}: {what}: {_nccl.TextOf(status, _communicator).TrimEnd('.')}. Another process or the "
        + "network may be gone, or two processes have the same GPU. NCCL_DEBUG=WARN tells more, and --transport mpi does without NCCL. "
        + "Run the same command again, and it goes on from the last checkpoint.";
}
