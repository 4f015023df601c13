using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Hashing;
using Spos.Engine.Devices;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// Decodes the pictures of a data set for a cache, some ahead, by so many threads as there are workers; they come in order, so that what is
/// written does not depend on how many these are.
/// </summary>
/// <param name="read">Reads a file, which may never end where a file system hangs.</param>
internal sealed class CacheMaker(
    ImageFolder data, Device device, int? shortSide, int workers, Func<FilePath, byte[]> read) : IDisposable
{
    private const int AheadPerWorker = 2;

    // How long to wait at the end for a thread that reads a file.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Poll = TimeSpan.FromMilliseconds(20);

    private readonly TaskScheduler _threads = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, workers).ConcurrentScheduler;
    private readonly ConcurrentBag<CacheDecoder> _idle = [];
    private readonly Queue<Job> _ahead = [];
    private volatile bool _ending;

    /// <summary>A picture: its pixels, valid until the next one is asked for, and what the index says of it but the offset.</summary>
    public readonly record struct Made(byte[] Pixels, CachedPicture Entry);

    /// <summary>All pictures from <paramref name="first"/> on.</summary>
    /// <param name="cancel">Ends it, also while a picture is waited for.</param>
    public IEnumerable<Made> From(int first, CancellationToken cancel)
    {
        for (int next = first; next < data.Samples.Length || _ahead.Count > 0;)
        {
            for (; next < data.Samples.Length && _ahead.Count < workers * AheadPerWorker; next++) Begin(data.Samples[next].Path);
            WaitHandle.WaitAny([_ahead.Peek().Done, cancel.WaitHandle]);
            if (cancel.IsCancellationRequested) yield break;
            Made made = _ahead.Dequeue().Task.GetAwaiter().GetResult();
            yield return made;
            ArrayPool<byte>.Shared.Return(made.Pixels);
        }
    }

    public void Dispose()
    {
        _ending = true;
        long start = Stopwatch.GetTimestamp();
        foreach (Job job in _ahead)
        {
            // Nobody will read what it comes to, so its error is passed over. One that decodes ends soon; one that hangs in a file does
            // nothing more if it ever comes back.
            while (!job.Done.WaitOne(Poll) && !(job.IsBeforeDecoding && Stopwatch.GetElapsedTime(start) > Patience))
            {
            }
        }
        foreach (CacheDecoder decoder in _idle) decoder.Dispose();
    }

    private void Begin(FilePath path)
    {
        var job = new Job();
        job.Task = Task.Factory.StartNew(() => Make(path, job), CancellationToken.None, TaskCreationOptions.None, _threads);
        _ahead.Enqueue(job);
    }

    private Made Make(FilePath path, Job job)
    {
        if (_ending) return default;
        CompressedPicture? decoded = null;
        try
        {
            byte[] file = read(path);
            job.IsBeforeDecoding = false;
            if (_ending) return default;
            decoded = CompressedPicture.Decode(file, path.ToString());
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

    // A picture that is made.
    private sealed class Job
    {
        private volatile bool _isBeforeDecoding = true;

        public Task<Made> Task { get; set; } = null!;

        public WaitHandle Done => ((IAsyncResult)Task).AsyncWaitHandle;

        // Its file is still read, or not even that.
        public bool IsBeforeDecoding
        {
            get => _isBeforeDecoding;
            set => _isBeforeDecoding = value;
        }
    }
}
