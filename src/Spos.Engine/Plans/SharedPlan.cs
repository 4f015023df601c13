using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// A <see cref="NetworkPlan"/> for groups of paths: recalibration or inference, to the same bits. What goes from part to part has memory
/// that nothing else uses, so that it is still there for the next path that begins alike. So the memory of a batch grows with the
/// network's depth, and not with the number of paths.
/// </summary>
public sealed class SharedPlan : IDisposable
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly Shape _images;
    private readonly Recording _recording;
    private readonly Turn<Segment>[] _turns;
    private readonly int[] _turnOfPart;
    private readonly PlannedBuffer[] _buffers;
    private readonly bool[] _isBrought, _crosses;
    private readonly ulong[] _addresses;
    private readonly ulong[] _variables = new ulong[Recording.Variables.Length];
    private readonly int _imagesNumber, _labelsNumber;
    private readonly (int Losses, int Ranks)? _results;
    private readonly Dictionary<BatchNormLayer, (int Mean, int Variance)> _statistics;
    private readonly int? _folded;
    private readonly Dictionary<BatchNormLayer, int> _channelsBefore;
    private readonly Renting? _renting;
    private bool _disposed;

    /// <param name="batch">How many pictures.</param>
    /// <exception cref="ArgumentException">It is for training.</exception>
    public SharedPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
    {
        if (kind == PlanKind.Training) throw new ArgumentException("Paths are not trained together.", nameof(kind));
        (_session, _network) = (session, network);
        _images = new Shape(batch, network.Spec.ImageSize, network.Spec.ImageSize, 3);
        using var writer = new PlanWriter(session, network, kind, _images, smoothing: 0, bringsStatistics: true);
        _recording = writer.Recording;
        _turns = [.. writer.Turns.Select(turn => turn.With(_recording.Finish))];
        int[] blocks = [.. Enumerable.Range(0, network.Spec.Blocks).Select(b => Array.FindIndex(_turns, turn => turn.Block == b))];
        _turnOfPart = [0, .. blocks, _turns.Length - 1];
        (_imagesNumber, _labelsNumber, _results) = (writer.Images, writer.Labels, writer.Results);
        (_statistics, _folded, _channelsBefore) = (writer.Statistics, writer.Folded, writer.ChannelsBefore);
        _buffers = [.. _recording.Buffers];
        _crosses = [.. _buffers.Select(buffer => buffer.Crosses)];
        _isBrought = new bool[_buffers.Length];
        foreach (int number in Brought()) _isBrought[number] = true;
        foreach (PlannedBuffer buffer in _buffers.Where(buffer => buffer.Crosses)) buffer.Death = Moment.Never;
        Bytes = BufferLayout.Place(_buffers.Where((_, i) => !_isBrought[i] && _recording.Canonical(i) == i));
        _addresses = new ulong[_buffers.Length];
        if (session.Device.ExactBuffers) _renting = new Renting(this);
    }

    /// <summary>Device memory that a batch takes, besides pictures, labels, the network, the group and what is left of the batch.</summary>
    public long Bytes { get; }

    /// <summary>Issues the work on a batch.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="group">Of the network. Recalibration changes its statistics; inference goes by what they were folded to.</param>
    /// <returns>
    /// Those of each path, in the group's order, one after the other; for the caller to dispose of. Nothing is left by a recalibration.
    /// </returns>
    /// <exception cref="ArgumentException">The batch is none of the plan's.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, PathGroup group)
    {
        ObjectDisposedException.ThrowIf(_disposed || _network.IsDisposed, this);
        if (images.Shape != _images) throw new ArgumentException($"The plan is for pictures {_images}, not {images.Shape}.");
        if (labels.Length < _images.N) throw new ArgumentException($"{labels.Length} labels for {_images.N} pictures.");
        DeviceBuffer? arena = _renting == null && Bytes > 0 ? _session.Pool.Rent(Bytes) : null;
        try
        {
            var shape = new Shape(group.Paths, 1, 1, _images.N);
            Predictions left = _results == null ? default : new Predictions(_session.Rent(shape), _session.Rent(shape));
            Issue(images, labels, group, left, arena);
            return left;
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

    private IEnumerable<int> Brought() =>
    [
        _imagesNumber, _labelsNumber,
        .. _results is { } results ? [results.Losses, results.Ranks] : Array.Empty<int>(),
        .. _folded is { } folded ? [folded] : Array.Empty<int>(),
        .. _statistics.Values.SelectMany(arrays => new[] { arrays.Mean, arrays.Variance }),
    ];

    private void Issue(Tensor images, DeviceArray<int> labels, PathGroup group, Predictions left, DeviceBuffer? arena)
    {
        if (arena != null)
        {
            for (int i = 0; i < _addresses.Length; i++) _addresses[i] = arena.Pointer + (ulong)_buffers[i].Offset;
        }
        _addresses[_imagesNumber] = images.AddressOn(_session.Stream);
        _addresses[_labelsNumber] = labels.AddressOn(_session.Stream);
        _variables[Recording.Momentum] = BitConverter.SingleToUInt32Bits(_session.BatchNormMomentum);
        // Pictures are not mixed up.
        _variables[Recording.Share] = BitConverter.SingleToUInt32Bits(1);
        foreach (PathGroup.Leg leg in group.Legs)
        {
            if (_results is { } results)
            {
                ulong offset = (ulong)leg.Index * (ulong)_images.N * sizeof(float);
                _addresses[results.Losses] = left.Losses.AddressOn(_session.Stream) + offset;
                _addresses[results.Ranks] = left.Ranks.AddressOn(_session.Stream) + offset;
            }
            int part = leg.From;
            for (int turn = _turnOfPart[part]; turn < _turns.Length; turn++)
            {
                // Turns between parts make room for what follows.
                if (turn == _turnOfPart[part]) PutStatistics(group, leg, part++);
                // What layers count is of their own statistics, so that nothing is done on the host.
                _turns[turn].PartOf(leg.Path).Work.Issue(_session.Stream, _addresses, _variables, _renting);
            }
        }
        _renting?.ReleaseAll();
    }

    private void PutStatistics(PathGroup group, PathGroup.Leg leg, int part)
    {
        int channel = leg.FirstChannels[part];
        foreach (BatchNormLayer layer in _network.BatchNormsOf(leg.Path, part))
        {
            if (_folded is { } folded)
            {
                // Those of one part follow each other, here and there.
                _addresses[folded] = unchecked(group.FoldedOf(channel) - 2UL * (ulong)_channelsBefore[layer] * sizeof(float));
                return;
            }
            (int mean, int variance) = _statistics[layer];
            (_addresses[mean], _addresses[variance]) = (group.MeanOf(channel), group.VarianceOf(channel));
            channel += layer.Channels;
        }
    }

    // Each buffer by itself, as in a plan for one path. What goes from part to part is kept until it is made anew.
    private sealed class Renting(SharedPlan plan) : IBufferRenting
    {
        private readonly DeviceBuffer?[] _held = new DeviceBuffer?[plan._buffers.Length];

        public void Rent(int buffer)
        {
            if (plan._isBrought[buffer]) return;
            if (plan._crosses[buffer]) _held[buffer]?.Release();
            _held[buffer] = plan._session.Pool.Rent(plan._buffers[buffer].Size);
            plan._addresses[buffer] = _held[buffer]!.Pointer;
        }

        public void Retain(int buffer)
        {
            if (!plan._isBrought[buffer] && !plan._crosses[buffer]) _held[buffer]!.Retain();
        }

        public void Return(int buffer)
        {
            if (!plan._isBrought[buffer] && !plan._crosses[buffer]) _held[buffer]!.Release();
        }

        /// <summary>Lets go of what is kept.</summary>
        public void ReleaseAll()
        {
            for (int i = 0; i < _held.Length; i++)
            {
                if (plan._crosses[i]) _held[i]?.Release();
                _held[i] = null;
            }
        }
    }
}
