using System.Collections;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>How pictures are loaded.</summary>
public sealed record LoaderOptions
{
    public required int ImageSize { get; init; }

    public required int BatchSize { get; init; }

    /// <summary>Threads that read and decode ahead; what they make does not depend on how many they are.</summary>
    public int Workers { get; init; } = 2;

    public ulong Seed { get; init; }

    /// <summary>Null for the validation transform.</summary>
    public Augmentation? Augmentation { get; init; }

    public Preprocessing Preprocessing { get; init; }

    /// <summary>What decodes JPEGs. Results depend on it.</summary>
    public JpegDecoder Decoder { get; init; }

    /// <summary>
    /// Whether a JPEG of which at least twice, four or eight times as many rows and columns are wanted as the input has is decoded to
    /// half, a quarter or an eighth of its size. Results depend on it. The official validation wants pictures as they are.
    /// </summary>
    public bool DecodeScale { get; init; }

    /// <summary>Whether the order is random; else the data set's.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch of fewer pictures is left out, and a last round of fewer batches (<see cref="Share"/>).</summary>
    public bool DropLast { get; init; }

    /// <summary>The batches that are read; what they hold does not depend on which these are.</summary>
    public BatchShare Share { get; init; } = BatchShare.All;

    /// <summary>
    /// Whether a picture that cannot be decoded is left out, as a measurement wants it; else another picture of its class stands
    /// in, as training wants it.
    /// </summary>
    public bool LeaveOutDamaged { get; init; }
}

/// <summary>
/// One pass over a data set in batches, read and decoded ahead by worker threads, in order. The seed and the epoch fix
/// the order and every crop. A batch from which pictures were left out has fewer, and one that would have none is not there.
/// </summary>
public sealed class BatchLoader : IEnumerable<Batch>, IDisposable
{
    private const int AheadPerWorker = 2;

    // How long to wait at the end for a worker that reads a file: a file system may hang for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Poll = TimeSpan.FromMilliseconds(20);

    private readonly Device _device;
    private readonly ImageFolder _data;
    private readonly LoaderOptions _options;
    private readonly CancellationToken _cancel;
    private readonly ulong _epoch;
    private readonly int[] _order;
    private readonly int _firstBatch;
    private readonly int _ahead;
    private readonly List<Worker> _workers = [];

    // What follows is read and changed by all threads, under this lock; who waits is woken when any of it changes.
    private readonly object _lock = new();
    private readonly Dictionary<int, Batch?> _ready = [];
    private (int Batch, ExceptionDispatchInfo Error)? _failure;
    private volatile bool _stopping;
    private int _next;
    private int _wanted;

    /// <param name="epoch">Passes of different numbers have different orders and crops.</param>
    /// <param name="firstBatch">Batches of the pass before this one are left out, as when training goes on in mid-epoch.</param>
    /// <param name="cancel">Ends waiting for a batch, by an <see cref="OperationCanceledException"/>.</param>
    public BatchLoader(
        Device device, ImageFolder data, LoaderOptions options, DamageReport damage,
        int epoch = 0, int firstBatch = 0, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        (_device, _data, _options, _cancel, _epoch) = (device, data, options, cancel, (ulong)epoch);
        _firstBatch = _next = _wanted = options.Share.CountIn(firstBatch);
        _ahead = options.Workers * AheadPerWorker;
        _order = [.. Enumerable.Range(0, data.Samples.Length)];
        if (options.Shuffle) new CounterRandom(options.Seed, RandomPurpose.Order, _epoch).Shuffle<int>(_order);
        Batches = options.Share.CountIn(BatchesOf(data.Samples.Length, options));
        try
        {
            for (int i = 0; i < options.Workers; i++)
            {
                var worker = new Worker(device, new PictureReader(data, options.LeaveOutDamaged, damage));
                _workers.Add(worker);
                worker.Thread = new Thread(() => Work(worker)) { IsBackground = true, Name = $"loader {i}" };
                worker.Thread.Start();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The most bytes that the workers had on the device at once, all together at most.</summary>
    internal long PeakDeviceBytes => _workers.Sum(worker => worker.Session.Pool.PeakBytesInUse);

    /// <summary>Batches of a whole pass that are read.</summary>
    public int Batches { get; }

    /// <summary>Batches of a pass over <paramref name="samples"/> pictures, whoever reads them.</summary>
    public static int BatchesOf(int samples, LoaderOptions options) => options.DropLast
        ? (int)(samples / ((long)options.BatchSize * options.Share.Of)) * options.Share.Of
        : (samples + options.BatchSize - 1) / options.BatchSize;

    /// <summary>The most batches that there are at once: those that are ready or made, and the one that is worked on.</summary>
    internal static int MostBatches(LoaderOptions options) => options.Workers * AheadPerWorker + 1;

    /// <summary>
    /// The batches in order; the caller disposes of each. Once only. What a worker failed of is thrown where its batch would be,
    /// as it was thrown.
    /// </summary>
    /// <exception cref="DataException">No picture of a class, or of the data set, can be decoded.</exception>
    public IEnumerator<Batch> GetEnumerator()
    {
        using CancellationTokenRegistration wake = _cancel.UnsafeRegister(_ => Wake(), null);
        bool any = false;
        for (int i = _firstBatch; i < Batches; i++)
        {
            if (Take(i) is not { } batch) continue;
            any = true;
            yield return batch;
        }
        if (any || _firstBatch >= Batches) yield break;
        throw new DataException($"{_data.Root}: none of its {_data.Samples.Length} pictures can be decoded.");
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        _stopping = true;
        Wake();
        long start = Stopwatch.GetTimestamp();
        foreach (Worker worker in _workers)
        {
            while (worker.Thread is { IsAlive: true } thread && !thread.Join(Poll))
            {
                // A worker that decodes ends soon; one that hangs in a file cleans up itself if it ever comes back.
                if (Stopwatch.GetElapsedTime(start) > Patience && worker.Reader.IsReading) break;
            }
            worker.Release();
        }
        _workers.Clear();
        lock (_lock)
        {
            foreach (Batch? batch in _ready.Values) batch?.Dispose();
            _ready.Clear();
        }
    }

    private void Wake()
    {
        lock (_lock) Monitor.PulseAll(_lock);
    }

    // Waits for a batch; null if all its pictures are left out.
    private Batch? Take(int index)
    {
        lock (_lock)
        {
            Batch? batch;
            while (!_ready.Remove(index, out batch))
            {
                // Batches before the one that failed are still made by the other workers.
                if (_failure is { } failure && failure.Batch <= index) failure.Error.Throw();
                _cancel.ThrowIfCancellationRequested();
                Monitor.Wait(_lock);
            }
            _wanted = index + 1;
            Monitor.PulseAll(_lock);
            return batch;
        }
    }

    private void Work(Worker worker)
    {
        // Without a decoder no batch is made.
        int index = -1;
        try
        {
            MakeBatches(worker, ref index);
        }
        catch (Exception error)
        {
            lock (_lock)
            {
                if (_failure is not { } failure || index < failure.Batch) _failure = (index, ExceptionDispatchInfo.Capture(error));
                Monitor.PulseAll(_lock);
            }
        }
    }

    // Lets go of the worker at its end: what fails of that is noted too, for nothing may be thrown out of a thread.
    private void MakeBatches(Worker worker, ref int index)
    {
        try
        {
            using var decoder = new PictureDecoder(worker.Session);
            using var staging = new StagingBuffer(_device);
            using NvJpegDecoder? onDevice = _options.Decoder == JpegDecoder.NvJpeg ? new NvJpegDecoder(worker.Session) : null;
            worker.Reader.OnDevice = onDevice;
            while (Claim() is { } claimed)
            {
                index = claimed;
                Put(index, Load(worker, decoder, staging, _options.Share.At(index)));
            }
        }
        finally
        {
            worker.Release();
        }
    }

    // The next batch to make, among those that are read, when there is room for it; null at the end.
    private int? Claim()
    {
        lock (_lock)
        {
            while (!_stopping && _next < Batches && _next >= _wanted + _ahead) Monitor.Wait(_lock);
            return _stopping || _next >= Batches ? null : _next++;
        }
    }

    private void Put(int index, Batch? batch)
    {
        lock (_lock)
        {
            if (_stopping) batch?.Dispose();
            else _ready[index] = batch;
            Monitor.PulseAll(_lock);
        }
    }

    // The official code resizes otherwise for validation than for training.
    private bool Official => _options is { Preprocessing: Preprocessing.Spos, Augmentation: null };

    private Batch? Load(Worker worker, PictureDecoder decoder, StagingBuffer staging, int number)
    {
        int first = number * _options.BatchSize, count = Math.Min(_options.BatchSize, _order.Length - first);
        long moment = worker.Session.Pool.Rentings;
        try
        {
            using var pictures = new PictureBatch(
                worker.Session, decoder, count, _options.ImageSize, _options.Preprocessing, Official, worker.Reader.OnDevice);
            var labels = new List<int>();
            foreach (int sample in _order.AsSpan(first, count))
            {
                if (_stopping) return null;
                PictureView View(int width, int height)
                {
                    ImageTransformRecord transform = TransformOf(width, height, sample);
                    if (_options.DecodeScale && !Official) transform.Halvings = Transforms.HalvingsOf(transform);
                    return new PictureView(Transforms.RegionOf(transform, _options.ImageSize), transform.Halvings);
                }

                if (worker.Reader.Read(sample, View) is not { } picture) continue;
                labels.Add(_data.Samples[sample].Label);
                pictures.Add(picture, TransformOf(picture.Width, picture.Height, sample) with { Halvings = picture.Halvings });
            }
            if (pictures.Count == 0) return null;
            Tensor images = pictures.Finish();
            var deviceLabels = new DeviceArray<int>(worker.Session.Pool, labels.Count);
            deviceLabels.Upload(worker.Session.Stream, CollectionsMarshal.AsSpan(labels), staging);
            return new Batch(worker.Session, images, deviceLabels, number);
        }
        catch
        {
            worker.Session.Pool.GiveBackSince(moment);
            throw;
        }
    }

    private ImageTransformRecord TransformOf(int width, int height, int sample)
    {
        int size = _options.ImageSize;
        if (_options.Augmentation is { } augmentation)
        {
            var random = new CounterRandom(_options.Seed, RandomPurpose.Augmentation, _epoch, (ulong)sample);
            return Transforms.Training(width, height, size, augmentation, random);
        }
        return Official ? Transforms.OfficialValidation(width, height, size) : Transforms.Validation(width, height, size);
    }

    // A thread and what it works with. The loader and the thread both let go of it, and the last one ends it: batches are disposed of
    // by the loader's caller, so that the session is not to end before the loader does.
    private sealed class Worker(Device device, PictureReader reader)
    {
        private int _holders = 2;

        public Session Session { get; } = new(device);

        public PictureReader Reader { get; } = reader;

        public Thread? Thread { get; set; }

        public void Release()
        {
            if (Interlocked.Decrement(ref _holders) == 0) Session.Dispose();
        }
    }
}
