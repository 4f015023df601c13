using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>
/// Work whose launches are the same for batch after batch. The launches for the first batch are issued one by one, so that what is made or
/// measured once is there. Where the device uses graphs, the launches for the next batch that has as many pictures as the one before it are
/// captured (<see cref="DeviceGraph"/>). From then on a batch is copied to where the graph reads it, and one call issues the launches. They
/// are issued one by one for a batch of another size, and for all batches if the device has no room for the graph. The bits are the same.
/// </summary>
/// <typeparam name="T">What the work leaves on the device.</typeparam>
/// <param name="issue">
/// Issues the work on a batch of pictures and their labels, of which there may be more. Of all that the work depends on, only what lies in
/// device memory may change from batch to batch. It waits for nothing, and copies nothing from or to the host. It is not called for every
/// batch: what it does on the host for each of them, it does by <see cref="Session.OnHost"/>.
/// </param>
public sealed class RepeatedWork<T>(Session session, Func<Tensor, DeviceArray<int>, T> issue) : IDisposable
    where T : struct, IDisposable
{
    // Of the last batch whose launches were issued one by one.
    private Shape? _size;
    private T? _result;
    private Replay? _replay;
    private bool _isTooFull;

    /// <summary>Whether a graph did the work on the last batch.</summary>
    public bool WasReplayed { get; private set; }

    /// <summary>Issues the work.</summary>
    /// <returns>What it leaves: until the next batch, or the end.</returns>
    public T Run(Tensor images, DeviceArray<int> labels)
    {
        _result?.Dispose();
        _result = null;
        WasReplayed = session.Device.UsesGraphs && TryReplay(images, labels);
        if (WasReplayed) return _replay!.Result;
        _result = issue(images, labels);
        _size = images.Shape;
        return _result.Value;
    }

    public void Dispose()
    {
        _result?.Dispose();
        _replay?.Dispose();
    }

    private bool TryReplay(Tensor images, DeviceArray<int> labels)
    {
        if (_isTooFull || images.Shape != (_replay?.Size ?? _size)) return false;
        _replay ??= Replay.TryMake(session, issue, images.Shape);
        if (_replay?.TryRun(images, labels) == true) return true;
        _replay?.Dispose();
        _replay = null;
        _isTooFull = true;
        return false;
    }

    // The graph of the work, with the batch that it reads and the result that it writes.
    private sealed class Replay : IDisposable
    {
        private readonly DeviceStream _stream;
        private readonly List<Action> _hostEffects = [];
        private readonly Tensor _images;
        private readonly DeviceArray<int> _labels;
        private readonly DeviceGraph _graph;

        private Replay(Session session, Func<Tensor, DeviceArray<int>, T> issue, Shape size)
        {
            _stream = session.Stream;
            _images = session.Rent(size);
            _labels = new DeviceArray<int>(session.Pool, size.N);
            session.HostEffects = _hostEffects;
            try
            {
                _graph = DeviceGraph.Capture(session.Stream, session.Pool, () => Result = issue(_images, _labels));
            }
            finally
            {
                session.HostEffects = null;
            }
        }

        public Shape Size => _images.Shape;

        public T Result { get; private set; }

        /// <summary>Null if the device is too full.</summary>
        public static Replay? TryMake(Session session, Func<Tensor, DeviceArray<int>, T> issue, Shape size)
        {
            long moment = session.Pool.Rentings;
            try
            {
                return new Replay(session, issue, size);
            }
            catch (DeviceMemoryException)
            {
                session.Pool.GiveBackSince(moment);
                return null;
            }
        }

        public bool TryRun(Tensor images, DeviceArray<int> labels)
        {
            _images.CopyFrom(_stream, images);
            _labels.CopyFrom(_stream, labels);
            if (!_graph.TryLaunch()) return false;
            foreach (Action effect in _hostEffects) effect();
            return true;
        }

        public void Dispose()
        {
            _graph.Dispose();
            Result.Dispose();
            _labels.Dispose();
            _images.Dispose();
        }
    }
}
