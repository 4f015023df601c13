using System.Collections;
using Spos.Engine.Data;
using Spos.Engine.Devices;

namespace Spos.Engine.Training;

/// <summary>
/// The same batches as often as they are asked for: kept on the device if they take a small part of what is free there, else read
/// again each time. Every candidate of a search sees the same pictures.
/// </summary>
public sealed class BatchSource : IEnumerable<Batch>, IDisposable
{
    private const int Unknown = -1;

    // Of what is free on the device: most is for the network.
    private const int MostShare = 8;

    private readonly Func<CancellationToken, BatchLoader> _open;
    private readonly bool _keep;
    private readonly long _bytes;
    private readonly Lock _lock = new();
    private readonly List<Batch> _kept = [];
    private readonly int _asked;
    private bool _isKept;
    private volatile int _pictures = Unknown;

    /// <param name="batches">How many batches; fewer if a pass has fewer.</param>
    /// <param name="keepBytes">Most bytes that they are kept in.</param>
    public BatchSource(Device device, ImageFolder data, LoaderOptions options, DamageReport damage, int batches, long keepBytes)
    {
        _open = cancel => new BatchLoader(device, data, options, damage, cancel: cancel);
        int samples = data.Samples.Length;
        Batches = options.Share.CountIn(Math.Min(batches, BatchLoader.BatchesOf(samples, options)));
        long pixels = (long)options.ImageSize * options.ImageSize * 3;
        // The last batch may be smaller.
        long missing = Batches == 0 ? 0 : Math.Max(0, (options.Share.At(Batches - 1) + 1L) * options.BatchSize - samples);
        _asked = (int)((long)Batches * options.BatchSize - missing);
        _bytes = pixels * sizeof(float) * _asked;
        _keep = _bytes <= Math.Min(keepBytes, device.ReadMemory().Free / MostShare);
    }

    /// <summary>Bytes of the device that the batches will take once they are read, and then keep.</summary>
    public long BytesToKeep => _keep && !_isKept ? _bytes : 0;

    /// <summary>How many batches there are, before pictures are left out.</summary>
    public int Batches { get; }

    /// <summary>
    /// How many pictures the batches have. Reads them all if nobody has yet: what a run reports does not depend on whether it was
    /// stopped before.
    /// </summary>
    public int Pictures
    {
        get
        {
            if (_pictures == Unknown) foreach (Batch _ in this) { }
            return _pictures;
        }
    }

    /// <summary>How many pictures are left out because they cannot be decoded.</summary>
    public int LeftOut => _asked - Pictures;

    /// <summary>
    /// The batches; they are not the caller's to dispose of, and each is valid until the next is asked for. Several threads may
    /// read them at once.
    /// </summary>
    public IEnumerator<Batch> GetEnumerator() => Until(CancellationToken.None).GetEnumerator();

    /// <summary>The same; asking for a batch throws once <paramref name="cancel"/> is signalled.</summary>
    /// <exception cref="OperationCanceledException">It is.</exception>
    public IEnumerable<Batch> Until(CancellationToken cancel)
    {
        foreach (Batch batch in _keep ? Kept(cancel) : Read(cancel))
        {
            cancel.ThrowIfCancellationRequested();
            yield return batch;
        }
    }

    private IEnumerable<Batch> Read(CancellationToken cancel)
    {
        using BatchLoader loader = _open(cancel);
        int pictures = 0;
        foreach (Batch batch in loader.Take(Batches))
        {
            pictures += batch.Count;
            using (batch) yield return batch;
        }
        _pictures = pictures;
    }

    private List<Batch> Kept(CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_isKept) return _kept;
            // What an attempt that failed has left.
            Dispose();
            using BatchLoader loader = _open(cancel);
            foreach (Batch batch in loader.Take(Batches))
            {
                _kept.Add(batch);
                cancel.ThrowIfCancellationRequested();
            }
            _pictures = _kept.Sum(batch => batch.Count);
            _isKept = true;
            return _kept;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Batch batch in _kept) batch.Dispose();
        _kept.Clear();
        _isKept = false;
    }
}
