using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// All that a network does with a batch of one size, on any path, made before the first batch: the launches of each operation of each
/// block, and where in one piece of memory each tensor lies. A path's work is the launches of its parts, one after the other, so that a
/// batch computes nothing of this anew, and takes no managed memory.
/// </summary>
public sealed class NetworkPlan : IDisposable
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly Shape _images;
    private readonly Recording _recording;
    private readonly Turn<Segment>[] _turns;
    private readonly long[] _offsets;
    private readonly long[] _sizes;
    private readonly ulong[] _addresses;
    private readonly ulong[] _variables = new ulong[Recording.Variables.Length];
    private readonly int _blocks, _imagesNumber, _labelsNumber;
    private readonly (int Losses, int Ranks)? _results;
    private readonly Renting? _renting;
    private ulong _arena;
    private bool _disposed;

    /// <param name="batch">How many pictures.</param>
    /// <param name="smoothing">Of labels, in training.</param>
    public NetworkPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, float smoothing = 0)
    {
        (_session, _network, _blocks) = (session, network, network.Spec.Blocks);
        _images = new Shape(batch, network.Spec.ImageSize, network.Spec.ImageSize, 3);
        using PlanWriter writer = Write(kind, smoothing);
        _recording = writer.Recording;
        _turns = [.. writer.Turns.Select(turn => turn.With(_recording.Finish))];
        (_imagesNumber, _labelsNumber, _results) = (writer.Images, writer.Labels, writer.Results);
        PlannedBuffer[] buffers = [.. _recording.Buffers];
        Bytes = BufferLayout.Place(buffers.Where((_, i) => i != _imagesNumber && i != _labelsNumber && _recording.Canonical(i) == i));
        _offsets = [.. buffers.Select(buffer => buffer.Offset)];
        _sizes = [.. buffers.Select(buffer => buffer.Size)];
        _addresses = new ulong[buffers.Length];
        if (session.Device.ExactBuffers) _renting = new Renting(this);
    }

    /// <summary>Device memory that a batch takes, besides pictures, labels and the network.</summary>
    public long Bytes { get; }

    /// <summary><see cref="Bytes"/> of a plan that is made for this alone.</summary>
    public static long BytesOf(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
    {
        using var plan = new NetworkPlan(session, network, kind, batch);
        return plan.Bytes;
    }

    /// <summary>Issues the work on a batch.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="share">Of each picture's own class in a batch that is mixed up.</param>
    /// <returns>What it leaves; for the caller to dispose of. Nothing is left by a recalibration.</returns>
    /// <exception cref="ArgumentException">The batch is none of the plan's, or the path has another length.</exception>
    /// <exception cref="InvalidOperationException">The network does not have an alternative of the path. Nothing is issued.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, Architecture path, float share = 1)
    {
        // Launches have the addresses of the network's arrays.
        ObjectDisposedException.ThrowIf(_disposed || _network.IsDisposed, this);
        if (images.Shape != _images) throw new ArgumentException($"The plan is for pictures {_images}, not {images.Shape}.");
        if (labels.Length < _images.N) throw new ArgumentException($"{labels.Length} labels for {_images.N} pictures.");
        if (path.Blocks.Length != _blocks)
        {
            throw new ArgumentException($"The architecture has {path.Blocks.Length} blocks; the network has {_blocks}.");
        }
        foreach (Turn<Segment> turn in _turns) _ = turn.PartOf(path);
        DeviceBuffer? arena = _renting == null && Bytes > 0 ? _session.Pool.Rent(Bytes) : null;
        try
        {
            return Issue(images, labels, path, share, arena);
        }
        finally
        {
            arena?.Release();
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _recording.Dispose();
    }

    private Predictions Issue(Tensor images, DeviceArray<int> labels, Architecture path, float share, DeviceBuffer? arena)
    {
        if (arena != null) Place(arena.Pointer);
        _renting?.Forget();
        _addresses[_imagesNumber] = images.AddressOn(_session.Stream);
        _addresses[_labelsNumber] = labels.AddressOn(_session.Stream);
        _variables[Recording.Momentum] = BitConverter.SingleToUInt32Bits(_session.BatchNormMomentum);
        _variables[Recording.Share] = BitConverter.SingleToUInt32Bits(share);
        foreach (Turn<Segment> turn in _turns) Issue(turn.PartOf(path));
        return _results is { } results ? new Predictions(Left(results.Losses, arena), Left(results.Ranks, arena)) : default;
    }

    private PlanWriter Write(PlanKind kind, float smoothing)
    {
        // What ops do to parameters while they are recorded is undone.
        Parameter[] parameters = [.. _network.Parameters];
        bool[] had = [.. parameters.Select(parameter => parameter.HasGradient)];
        foreach (Parameter parameter in parameters) parameter.HasGradient = false;
        try
        {
            return new PlanWriter(_session, _network, kind, _images, smoothing);
        }
        finally
        {
            foreach ((Parameter parameter, bool has) in parameters.Zip(had)) parameter.HasGradient = has;
        }
    }

    private void Issue(Part<Segment> part)
    {
        _variables[Recording.Accumulate] = part.Groups.Length > 0 && part.Groups[0].HasGradient ? 1u : 0;
        part.Work.Issue(_session.Stream, _addresses, _variables, _renting);
        foreach (ParameterGroup group in part.Groups) group.HasGradient = true;
        foreach (Action effect in part.Work.HostEffects) _session.OnHost(effect);
    }

    private void Place(ulong arena)
    {
        if (arena == _arena) return;
        _arena = arena;
        for (int i = 0; i < _addresses.Length; i++) _addresses[i] = arena + (ulong)_offsets[i];
    }

    // A number a picture, for whoever gets it to keep.
    private Tensor Left(int number, DeviceBuffer? arena)
    {
        var shape = Shape.Vector(_images.N);
        if (arena == null) return new Tensor(_renting!.Take(number), shape);
        arena.Retain();
        return new Tensor(arena, shape, _offsets[number] / sizeof(float));
    }

    // Each buffer by itself, where it is needed, so that the emulated GPU sees what is used before or after.
    private sealed class Renting(NetworkPlan plan) : IBufferRenting
    {
        private readonly DeviceBuffer?[] _buffers = new DeviceBuffer?[plan._addresses.Length];

        public void Rent(int buffer)
        {
            _buffers[buffer] = plan._session.Pool.Rent(plan._sizes[buffer]);
            plan._addresses[buffer] = _buffers[buffer]!.Pointer;
        }

        public void Retain(int buffer) => _buffers[buffer]?.Retain();

        public void Return(int buffer) => _buffers[buffer]?.Release();

        /// <summary>Hands a buffer to a caller.</summary>
        public DeviceBuffer Take(int buffer) => _buffers[buffer]!;

        /// <summary>Whatever was there before is no longer the plan's.</summary>
        public void Forget() => Array.Clear(_buffers);
    }
}
