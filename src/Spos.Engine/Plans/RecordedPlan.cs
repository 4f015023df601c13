using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>
/// The launches of a network's parts on batches of one size, made before the first batch, and where in one piece of memory each tensor
/// lies. Whoever derives from it says which parts a batch takes.
/// </summary>
public abstract class RecordedPlan : IDisposable
{
    private readonly Recording _recording;
    private readonly PlannedBuffer[] _buffers;
    private readonly bool[] _isBrought, _isKept;
    private readonly int _imagesNumber, _labelsNumber;
    private readonly Renting? _renting;
    private ulong _arena;
    private bool _disposed;

    /// <param name="writer">What is recorded; disposed of.</param>
    /// <param name="sharesBeginnings">
    /// Whether what a part hands to a later one has memory that nothing else uses, so that it is still there for another path; and what
    /// is left of a batch is brought, as pictures are.
    /// </param>
    private protected RecordedPlan(Session session, ShuffleNetV2OneShot network, PlanWriter writer, bool sharesBeginnings)
    {
        using PlanWriter written = writer;
        (Session, Network, Images) = (session, network, writer.Batch);
        _recording = writer.Recording;
        Turns = [.. writer.Turns.Select(turn => turn.With(_recording.Finish))];
        (_imagesNumber, _labelsNumber, Results) = (writer.Images, writer.Labels, writer.Results);
        _buffers = [.. _recording.Buffers];
        _isKept = [.. _buffers.Select(buffer => sharesBeginnings && buffer.Crosses)];
        foreach (PlannedBuffer buffer in _buffers.Where((_, i) => _isKept[i])) buffer.Death = Moment.Never;
        _isBrought = new bool[_buffers.Length];
        (_isBrought[_imagesNumber], _isBrought[_labelsNumber]) = (true, true);
        foreach (int number in writer.Statistics?.Buffers ?? []) _isBrought[number] = true;
        if (sharesBeginnings && Results is { } results) (_isBrought[results.Losses], _isBrought[results.Ranks]) = (true, true);
        Bytes = BufferLayout.Place(_buffers.Where((_, i) => !_isBrought[i] && _recording.Canonical(i) == i));
        Addresses = new ulong[_buffers.Length];
        if (session.Device.ExactBuffers) _renting = new Renting(this);
    }

    /// <summary>Device memory that a batch takes, besides what is brought to it, the network and, of a group, what is left.</summary>
    public long Bytes { get; }

    private protected Session Session { get; }

    private protected ShuffleNetV2OneShot Network { get; }

    /// <summary>The shape of a batch.</summary>
    private protected Shape Images { get; }

    private protected Turn<Segment>[] Turns { get; }

    /// <summary>The numbers of what is left of a batch; null if nothing is.</summary>
    private protected (int Losses, int Ranks)? Results { get; }

    /// <summary>Where each buffer is.</summary>
    private protected ulong[] Addresses { get; }

    /// <summary>The values of what changes from run to run.</summary>
    private protected ulong[] Variables { get; } = new ulong[Recording.Variables.Length];

    public void Dispose()
    {
        _disposed = true;
        _recording.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Refuses what is no batch of the plan's.</summary>
    private protected void Check(Tensor images, DeviceArray<int> labels)
    {
        // Launches have the addresses of the network's arrays.
        ObjectDisposedException.ThrowIf(_disposed || Network.IsDisposed, this);
        if (images.Shape != Images) throw new ArgumentException($"The plan is for pictures {Images}, not {images.Shape}.");
        if (labels.Length < Images.N) throw new ArgumentException($"{labels.Length} labels for {Images.N} pictures.");
    }

    /// <summary>Memory for a batch, for the caller to release; null where each buffer has its own.</summary>
    private protected DeviceBuffer? RentArena() => _renting == null && Bytes > 0 ? Session.Pool.Rent(Bytes) : null;

    /// <summary>Says where everything is that a batch uses, but for what else is brought.</summary>
    private protected void Begin(Tensor images, DeviceArray<int> labels, float share, DeviceBuffer? arena)
    {
        if (arena != null) Place(arena.Pointer);
        _renting?.Forget();
        Addresses[_imagesNumber] = images.AddressOn(Session.Stream);
        Addresses[_labelsNumber] = labels.AddressOn(Session.Stream);
        Variables[Recording.Momentum] = BitConverter.SingleToUInt32Bits(Session.BatchNormMomentum);
        Variables[Recording.Share] = BitConverter.SingleToUInt32Bits(share);
    }

    /// <summary>Lets go of what was kept for other paths.</summary>
    private protected void End() => _renting?.ReleaseKept();

    private protected void Issue(Segment segment) => segment.Issue(Session.Stream, Addresses, Variables, _renting);

    /// <summary>A number a picture, for whoever gets it to keep.</summary>
    private protected Tensor Left(int number, DeviceBuffer? arena)
    {
        var shape = Shape.Vector(Images.N);
        if (arena == null) return new Tensor(_renting!.Take(number), shape);
        arena.Retain();
        return new Tensor(arena, shape, _buffers[number].Offset / sizeof(float));
    }

    private void Place(ulong arena)
    {
        if (arena == _arena) return;
        _arena = arena;
        for (int i = 0; i < Addresses.Length; i++) Addresses[i] = arena + (ulong)_buffers[i].Offset;
    }

    // Each buffer by itself, where it is needed, so that the emulated GPU sees what is used before or after. What is kept is until it is
    // made anew.
    private sealed class Renting(RecordedPlan plan) : IBufferRenting
    {
        private readonly DeviceBuffer?[] _buffers = new DeviceBuffer?[plan._buffers.Length];

        public void Rent(int buffer)
        {
            if (plan._isBrought[buffer]) return;
            if (plan._isKept[buffer]) _buffers[buffer]?.Release();
            _buffers[buffer] = plan.Session.Pool.Rent(plan._buffers[buffer].Size);
            plan.Addresses[buffer] = _buffers[buffer]!.Pointer;
        }

        public void Retain(int buffer)
        {
            if (!plan._isKept[buffer]) _buffers[buffer]?.Retain();
        }

        public void Return(int buffer)
        {
            if (!plan._isKept[buffer]) _buffers[buffer]?.Release();
        }

        /// <summary>Hands a buffer to a caller.</summary>
        public DeviceBuffer Take(int buffer) => _buffers[buffer]!;

        /// <summary>Whatever was there before is no longer the plan's.</summary>
        public void Forget() => Array.Clear(_buffers);

        /// <summary>Lets go of what is kept.</summary>
        public void ReleaseKept()
        {
            for (int i = 0; i < _buffers.Length; i++)
            {
                if (plan._isKept[i]) _buffers[i]?.Release();
            }
        }
    }
}
