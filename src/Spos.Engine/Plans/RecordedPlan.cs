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
    private readonly int? _teacherNumber;
    private readonly BroughtParameters _brought;

    // By part of a path: the turn that it begins with. Turns between parts make room for what follows.
    private readonly int[] _turnOfPart;

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
        (_imagesNumber, _labelsNumber, _teacherNumber, Results) = (writer.Images, writer.Labels, writer.Teacher, writer.Results);
        int[] blocks = [.. Enumerable.Range(0, network.Spec.Blocks).Select(b => Array.FindIndex(Turns, turn => turn.Block == b))];
        _turnOfPart = [0, .. blocks, Turns.Length - 1];
        _buffers = [.. _recording.Buffers];
        _isKept = [.. _buffers.Select(buffer => sharesBeginnings && buffer.Crosses)];
        foreach (PlannedBuffer buffer in _buffers.Where((_, i) => _isKept[i])) buffer.Death = Moment.Never;
        _isBrought = new bool[_buffers.Length];
        (_isBrought[_imagesNumber], _isBrought[_labelsNumber]) = (true, true);
        _brought = writer.Brought;
        foreach (int number in _brought.Buffers) _isBrought[number] = true;
        foreach (int number in Results?.Buffers ?? []) _isBrought[number] = true;
        if (_teacherNumber is { } teacher) _isBrought[teacher] = true;
        bool isByImage = writer.Batch.N < batch;
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
    private protected LeftBuffers? Results { get; }

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
        Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, LossTarget target, bool bringsStatistics = false)
    {
        int atOnce = ImageSequence.AtOnce(session, kind, batch, network.Spec.ImageSize);
        return new PlanWriter(session, network, kind, atOnce > 0 ? atOnce : batch, atOnce > 0, target, bringsStatistics);
    }

    /// <summary>Room for what is left of a batch, for the caller to dispose of.</summary>
    private protected Predictions RentResults(Shape shape)
    {
        if (Results is not { } results) return default;
        Tensor? logits = results.Logits == null ? null : Session.Rent(LogitsShape);
        return new Predictions(Session.Rent(shape), Session.Rent(shape), logits);
    }

    /// <summary>Has what is left of a path on a batch go there.</summary>
    private protected void PutResults(Predictions room, int path)
    {
        if (Results is not { } results) return;
        ulong offset = (ulong)path * (ulong)Images.N * sizeof(float);
        Addresses[results.Losses] = room.Losses.AddressOn(Session.Stream) + offset;
        Addresses[results.Ranks] = room.Ranks.AddressOn(Session.Stream) + offset;
        if (results.Logits is { } logits) Addresses[logits] = room.Logits!.Value.AddressOn(Session.Stream);
    }

    /// <summary>Refuses what are no logits of a teacher, and a teacher where paths learn from labels.</summary>
    private protected void CheckTeacher(Tensor? teacher)
    {
        if ((teacher != null) != (_teacherNumber != null)) throw new ArgumentException("A plan is for a teacher or for labels.");
        if (teacher is not { } logits) return;
        if (logits.Shape != LogitsShape) throw new ArgumentException($"A teacher's logits are {LogitsShape}, not {logits.Shape}.");
        if (logits.ElementType != ElementType.Float32) throw new ArgumentException($"Logits are floats, not {logits.ElementType}.");
    }

    /// <summary>Has a path learn from these logits.</summary>
    private protected void PutTeacher(Tensor logits) => Addresses[_teacherNumber!.Value] = logits.AddressOn(Session.Stream);

    private Shape LogitsShape => new(Images.N, 1, 1, Network.Spec.Classes);

    /// <summary>Does a part's work; where each image is worked on by itself, at the end.</summary>
    private protected void Issue(Segment segment)
    {
        if (_sequence != null) segment.AddTo(_sequence, Addresses, Variables, _bytesPerImage);
        else segment.Issue(Session.Stream, Addresses, Variables, _renting);
    }

    /// <summary>Issues the work of a group of paths on a batch.</summary>
    private protected Predictions RunGroup(Tensor images, DeviceArray<int> labels, PathGroup group)
    {
        Check(images, labels);
        DeviceBuffer? arena = RentArena();
        try
        {
            Predictions left = RentResults(new Shape(group.Paths, 1, 1, Images.N));
            // Pictures are not mixed up.
            Begin(images, labels, share: 1, arena);
            foreach (PathGroup.Leg leg in group.Legs) Issue(group, leg, left);
            End();
            return left;
        }
        finally
        {
            arena?.Release();
        }
    }

    // Does what a path of a group adds to the one before it, by what the group brings.
    private void Issue(PathGroup group, PathGroup.Leg leg, Predictions left)
    {
        PutResults(left, leg.Index);
        int part = leg.From;
        for (int turn = _turnOfPart[part]; turn < Turns.Length; turn++)
        {
            if (turn == _turnOfPart[part]) Put(group, leg.Parts[part++]);
            // What layers count is of their own statistics, so that nothing is done on the host.
            Issue(Turns[turn].PartOf(leg.Path).Work);
        }
    }

    private void Put(PathGroup group, PathGroup.Part part)
    {
        if (_brought.Statistics.Count > 0)
        {
            foreach (PathGroup.Norm norm in part.Norms)
            {
                (int mean, int variance) = _brought.Statistics[norm.Layer];
                (Addresses[mean], Addresses[variance]) = (group.MeanOf(norm), group.VarianceOf(norm));
            }
        }
        if (_brought.Folded is { } folded && part.Norms is [var first, ..])
        {
            Addresses[folded] = unchecked(group.FoldedOf(first) - _brought.FoldedBefore[first.Layer]);
        }
        if (_brought.Packed is { } packed && part.Weights is [var weight, ..])
        {
            Addresses[packed] = unchecked(group.PackedOf(weight) - _brought.PackedBefore[weight]);
        }
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
