using Spos.Engine.Devices;

namespace Spos.Engine.Data;

/// <summary>Tells how much of a device a loader takes with batches of any size, by what making a small one took.</summary>
internal sealed class LoaderMemory
{
    // Pictures and crops differ in size: so many give a mean.
    private const int Pictures = 32;

    private readonly BufferPool _pool;
    private readonly int _samples;
    private readonly LoaderOptions _options;
    private readonly long _picture;

    // What decoding the small batch took at most at once.
    private readonly long _decoding;
    private readonly int _decoded;

    /// <param name="pool">By whose sizes memory is taken.</param>
    /// <exception cref="DataException">No picture can be decoded.</exception>
    /// <exception cref="DeviceMemoryException">Not even the small batch fits.</exception>
    public LoaderMemory(BufferPool pool, ImageFolder data, LoaderOptions options, CancellationToken cancel)
    {
        (_pool, _samples, _options) = (pool, data.Samples.Length, options);
        _picture = 3L * sizeof(float) * options.ImageSize * options.ImageSize;
        LoaderOptions small = options with { BatchSize = Math.Min(Pictures, options.BatchSize), Workers = 1, Share = BatchShare.All };
        // The last batch alone, so that nothing is made ahead of it.
        int last = BatchLoader.BatchesOf(_samples, small) - 1;
        using var loader = new BatchLoader(pool.Device, data, small, new DamageReport(_ => { }), 0, last, cancel);
        using Batch batch = loader.Single();
        _decoded = batch.Count;
        _decoding = Math.Max(0, loader.PeakDeviceBytes - pool.SizeFor(batch.Count * _picture));
    }

    /// <summary>The most bytes at once: all batches that are ready, made and worked on, and what each worker decodes in.</summary>
    /// <param name="batch">Pictures of a batch.</param>
    public long Bytes(int batch)
    {
        int all = _options.Share.CountIn(BatchLoader.BatchesOf(_samples, _options with { BatchSize = batch }));
        int batches = Math.Min(all, BatchLoader.MostBatches(_options));
        return batches * _pool.SizeFor(batch * _picture) + Math.Min(batches, _options.Workers) * Decoding(batch);
    }
    // The small batch was decoded in one part, as larger ones are until a part is full, or in several, of which larger ones have more.
    private long Decoding(int batch)
    {
        long part = PictureDecoder.UsualPartBytes(_pool.Device), picture = _decoding / _decoded;
        return _decoding < part ? Math.Min(batch * picture, part + picture) : _decoding;
    }
}
