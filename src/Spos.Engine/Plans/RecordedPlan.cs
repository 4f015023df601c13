using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
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

    // Where each image is worked on by itself: by buffer, bytes from an image's to the next one's; and the launches.
    private readonly ulong?[] _bytesPerImage = [];
    private readonly ImageSequence? _sequence;
    private readonly Renting? _renting;
    private ulong _arena;
    private bool _disposed;

    /// <param name="writer">What is recorded; disposed of.</param>
    /// <param name="batch">How many pictures. Where there are more than are recorded, some are worked on at a time.</param>
    /// <param name="sharesBeginnings">
    /// Whether what a part hands to a later one has memory that nothing else uses, so that it is still there for another path.
    /// </param>
    private protected RecordedPlan(Session session, ShuffleNetV2OneShot network, PlanWriter writer, int batch, bool sharesBeginnings)
    {
        using PlanWriter written = writer;
        (Session, Network, Images) = (session, network, writer.Batch with { N = batch });
        _recording = writer.Recording;
        Turns = [.. writer.Turns.Select(turn => turn.With(_recording.Finish))];
        (_imagesNumber, _labelsNumber, Results) = (writer.Images, writer.Labels, writer.Results);
        _buffers = [.. _recording.Buffers];
        _isKept = [.. _buffers.Select(buffer => sharesBeginnings && buffer.Crosses)];
        foreach (PlannedBuffer buffer in _buffers.Where((_, i) => _isKept[i])) buffer.Death = Moment.Never;
        _isBrought = new bool[_buffers.Length];
        (_isBrought[_imagesNumber], _isBrought[_labelsNumber]) = (true, true);
        foreach (int number in writer.Statistics?.Buffers ?? []) _isBrought[number] = true;
        if (Results is { } results) (_isBrought[results.Losses], _isBrought[results.Ranks]) = (true, true);
        bool isByImage = writer.Batch.N < batch;
        if (isByImage && writer.Folded is { } folded) (_isBrought[folded], Folded) = (true, (folded, _buffers[folded].Size));
        Bytes = BufferLayout.Place(_buffers.Where((_, i) => !_isBrought[i] && _recording.Canonical(i) == i));
        Addresses = new ulong[_buffers.Length];
        if (isByImage)
        {
            _bytesPerImage = [.. _isBrought.Select(brought => brought ? 0UL : (ulong?)null)];
            _bytesPerImage[_imagesNumber] = (ulong)(Images with { N = 1 }).Count * sizeof(float);
            _bytesPerImage[_labelsNumber] = sizeof(int);
            if (Results is { } left) (_bytesPerImage[left.Losses], _bytesPerImage[left.Ranks]) = (sizeof(float), sizeof(int));
            int threads = session.Device.Threads;
            _sequence = new ImageSequence(session, batch, writer.Batch.N, threads, Bytes);
            Bytes *= threads;
        }
        if (session.Device.ExactBuffers) _renting = new Renting(this);
    }

    /// <summary>Device memory that a batch takes, besides what is brought to it, what is left, and the network.</summary>
    public long Bytes { get; }

    private protected Session Session { get; }

    private protected ShuffleNetV2OneShot Network { get; }

    /// <summary>The shape of a batch.</summary>
    private protected Shape Images { get; }

    private protected Turn<Segment>[] Turns { get; }

    /// <summary>The numbers of what is left of a batch; null if nothing is.</summary>
    private protected (int Losses, int Ranks)? Results { get; }

    /// <summary>What is brought for all images where each is worked on by itself: what statistics are folded to; null else.</summary>
    private protected (int Number, long Bytes)? Folded { get; }

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
        if (images.ElementType != ElementType.Float32) throw new ArgumentException($"Pictures are floats, not {images.ElementType}.");
        if (labels.Length < Images.N) throw new ArgumentException($"{labels.Length} labels for {Images.N} pictures.");
    }

    /// <summary>Memory for a batch, for the caller to release; null where each buffer has its own.</summary>
    private protected DeviceBuffer? RentArena() => _renting == null && Bytes > 0 ? Session.Pool.Rent(Bytes) : null;

    /// <summary>Says where everything is that a batch uses, but for what else is brought.</summary>
    private protected void Begin(Tensor images, DeviceArray<int> labels, float share, DeviceBuffer? arena)
    {
        if (arena != null) Place(arena.Pointer);
        _renting?.Forget();
        _sequence?.Clear();
        Addresses[_imagesNumber] = images.AddressOn(Session.Stream);
        Addresses[_labelsNumber] = labels.AddressOn(Session.Stream);
        Variables[Recording.Momentum] = BitConverter.SingleToUInt32Bits(Session.BatchNormMomentum);
        Variables[Recording.Share] = BitConverter.SingleToUInt32Bits(share);
    }

    /// <summary>All parts were issued: lets go of what was kept for other paths.</summary>
    private protected void End()
    {
        _sequence?.Run();
        _renting?.ReleaseKept();
    }

    /// <summary>What writes a plan for batches of so many pictures.</summary>
    private protected static PlanWriter WriterFor(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, float smoothing, bool bringsStatistics = false)
    {
        int atOnce = ImageSequence.AtOnce(session, kind, batch, network.Spec.ImageSize);
        return new PlanWriter(session, network, kind, atOnce > 0 ? atOnce : batch, atOnce > 0, smoothing, bringsStatistics);
    }

    /// <summary>Room for what is left of a batch, for the caller to dispose of.</summary>
    private protected Predictions RentResults(Shape shape) =>
        Results == null ? default : new Predictions(Session.Rent(shape), Session.Rent(shape));

    /// <summary>Has what is left of a path on a batch go there.</summary>
    private protected void PutResults(Predictions room, int path)
    {
        if (Results is not { } results) return;
        ulong offset = (ulong)path * (ulong)Images.N * sizeof(float);
        Addresses[results.Losses] = room.Losses.AddressOn(Session.Stream) + offset;
        Addresses[results.Ranks] = room.Ranks.AddressOn(Session.Stream) + offset;
    }

    /// <summary>Does a part's work, once on the batch.</summary>
    private protected void IssueOnce(Segment segment) => segment.Issue(Session.Stream, Addresses, Variables, _renting);

    /// <summary>Does a part's work; where each image is worked on by itself, at the end.</summary>
    private protected void Issue(Segment segment)
    {
        if (_sequence != null) segment.AddTo(_sequence, Addresses, Variables, _bytesPerImage);
        else IssueOnce(segment);
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
