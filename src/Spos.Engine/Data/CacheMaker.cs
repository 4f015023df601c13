using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Hashing;
using Spos.Engine.Devices;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// Decodes the pictures of a data set for a cache, some ahead, by so many threads as there are workers; they come in order, so that what is
/// written does not depend on how many these are.
/// </summary>
internal sealed class CacheMaker(ImageFolder data, Device device, int? shortSide, int workers) : IDisposable
{
    private const int AheadPerWorker = 2;

    private readonly TaskScheduler _threads = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, workers).ConcurrentScheduler;
    private readonly ConcurrentBag<CacheDecoder> _idle = [];
    private readonly Queue<Task<Made>> _ahead = [];

    /// <summary>A picture: its pixels, valid until the next one is asked for, and what the index says of it but the offset.</summary>
    public readonly record struct Made(byte[] Pixels, CachedPicture Entry);

    /// <summary>All pictures from <paramref name="first"/> on.</summary>
    public IEnumerable<Made> From(int first)
    {
        for (int next = first; next < data.Samples.Length || _ahead.Count > 0;)
        {
            for (; next < data.Samples.Length && _ahead.Count < workers * AheadPerWorker; next++) Begin(data.Samples[next].Path);
            Made made = _ahead.Dequeue().GetAwaiter().GetResult();
            yield return made;
            ArrayPool<byte>.Shared.Return(made.Pixels);
        }
    }

    public void Dispose()
    {
        // Nobody will read what these tasks come to, so their errors are passed over.
        foreach (Task task in _ahead) ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        foreach (CacheDecoder decoder in _idle) decoder.Dispose();
    }

    private void Begin(FilePath path) =>
        _ahead.Enqueue(Task.Factory.StartNew(() => Make(path), CancellationToken.None, TaskCreationOptions.None, _threads));

    private Made Make(FilePath path)
    {
        CompressedPicture? decoded = null;
        try
        {
            decoded = CompressedPicture.Decode(PictureReader.FileOf(path), path.ToString());
        }
        catch (SposException error) when (error is DataException or UnreadableFileException)
        {
            return new Made([], default);
        }
        using CompressedPicture picture = decoded;
        if (!_idle.TryTake(out CacheDecoder? decoder)) decoder = new CacheDecoder(device);
        (int width, int height) = CacheDecoder.SizeOf(picture.Width, picture.Height, shortSide);
        var entry = new CachedPicture(0, width, height, 0, picture.Warning);
        byte[] pixels = ArrayPool<byte>.Shared.Rent((int)entry.Bytes);
        Span<byte> used = pixels.AsSpan(0, (int)entry.Bytes);
        try
        {
            decoder.Decode(used, picture, shortSide);
        }
        finally
        {
            _idle.Add(decoder);
        }
        return new Made(pixels, entry with { Checksum = XxHash3.HashToUInt64(used) });
    }
}
