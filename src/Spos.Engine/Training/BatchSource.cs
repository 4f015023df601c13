using System.Collections;
using Spos.Engine.Data;
using Spos.Engine.Devices;

namespace Spos.Engine.Training;

/// <summary>
/// The same batches as often as they are asked for: kept on the device if they fit the given bytes, else read again
/// each time. Every candidate of a search sees the same pictures.
/// </summary>
public sealed class BatchSource : IEnumerable<Batch>, IDisposable
{
    private readonly Func<BatchLoader> _open;
    private readonly bool _keep;
    private readonly Lock _lock = new();
    private readonly List<Batch> _kept = [];

    /// <param name="batches">How many batches; fewer if a pass has fewer.</param>
    public BatchSource(Device device, ImageFolder data, LoaderOptions options, DamageReport damage, int batches, long keepBytes)
    {
        _open = () => new BatchLoader(device, data, options, damage);
        Batches = Math.Min(batches, BatchLoader.BatchesOf(data.Samples.Length, options));
        long pixels = (long)options.ImageSize * options.ImageSize * 3;
        _keep = pixels * sizeof(float) * Math.Min((long)Batches * options.BatchSize, data.Samples.Length) <= keepBytes;
    }

    /// <summary>How many batches there are.</summary>
    public int Batches { get; }

    /// <summary>
    /// The batches; they are not the caller's to dispose of, and each is valid until the next is asked for. Several threads may
    /// read them at once.
    /// </summary>
    public IEnumerator<Batch> GetEnumerator() => (_keep ? Kept() : Read()).GetEnumerator();

    private IEnumerable<Batch> Read()
    {
        using BatchLoader loader = _open();
        foreach (Batch batch in loader.Take(Batches))
        {
            using (batch) yield return batch;
        }
    }

    private List<Batch> Kept()
    {
        lock (_lock)
        {
            if (_kept.Count == Batches) return _kept;
            // What an attempt that failed has left.
            Dispose();
            using BatchLoader loader = _open();
            _kept.AddRange(loader.Take(Batches));
            return _kept;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Batch batch in _kept) batch.Dispose();
        _kept.Clear();
    }
}
