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
    private readonly long _picture, _decoding;

    /// <param name="pool">By whose sizes memory is taken.</param>
    /// <exception cref="DataException">No picture can be decoded.</exception>
    /// <exception cref="DeviceMemoryException">Not even the small batch fits.</exception>
    public LoaderMemory(BufferPool pool, ImageFolder data, LoaderOptions options, CancellationToken cancel)
    {
        (_pool, _samples, _options) = (pool, data.Samples.Length, options);
        _picture = 3L * sizeof(float) * options.ImageSize * options.ImageSize;
        LoaderOptions small = options with { BatchSize = Math.Min(Pictures, options.BatchSize), Workers = 1 };
        // The last batch alone, so that nothing is made ahead of it.
        int last = BatchLoader.BatchesOf(_samples, small) - 1;
        using var loader = new BatchLoader(pool.Device, data, small, new DamageReport(_ => { }), 0, last, cancel);
        using Batch batch = loader.Single();
        _decoding = Math.Max(0, loader.PeakDeviceBytes - pool.SizeFor(batch.Count * _picture)) / batch.Count;
    }

    /// <summary>The most bytes at once: all batches that are ready, made and worked on, and what each worker decodes in.</summary>
    /// <param name="batch">Pictures of a batch.</param>
    public long Bytes(int batch)
    {
        int batches = Math.Min(BatchLoader.BatchesOf(_samples, _options with { BatchSize = batch }), BatchLoader.MostBatches(_options));
        long part = Math.Min(batch * _decoding, PictureDecoder.UsualPartBytes(_pool.Device) + _decoding);
        return batches * _pool.SizeFor(batch * _picture) + Math.Min(batches, _options.Workers) * part;
    }
}
