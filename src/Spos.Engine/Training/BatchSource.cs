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

    /// <summary>The batches; they are not the caller's to dispose of, and each is valid until the next is asked for.</summary>
    public IEnumerator<Batch> GetEnumerator()
    {
        if (_keep && _kept.Count == Batches)
        {
            foreach (Batch batch in _kept) yield return batch;
            yield break;
        }
        foreach (Batch batch in _kept) batch.Dispose();
        _kept.Clear();
        using BatchLoader loader = _open();
        foreach (Batch batch in loader.Take(Batches))
        {
            if (_keep) _kept.Add(batch);
            try
            {
                yield return batch;
            }
            finally
            {
                if (!_keep) batch.Dispose();
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Batch batch in _kept) batch.Dispose();
        _kept.Clear();
    }
}
