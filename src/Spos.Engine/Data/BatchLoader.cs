using System.Collections;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Random;
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

    /// <summary>Whether the order is random; else the data set's.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch of fewer pictures is left out.</summary>
    public bool DropLast { get; init; }
}

/// <summary>
/// One pass over a data set in batches, read and decoded ahead by worker threads, in order. The seed and the epoch fix
/// the order and every crop. A damaged picture is replaced by the next one that is whole.
/// </summary>
public sealed class BatchLoader : IEnumerable<Batch>, IDisposable
{
    private const int AheadPerWorker = 2;

    // A file of more bytes is no picture of a data set: memory is bounded by it.
    private const int MostBytes = 1 << 28;

    private readonly Device _device;
    private readonly ImageFolder _data;
    private readonly LoaderOptions _options;
    private readonly DamageReport _damage;
    private readonly ulong _epoch;
    private readonly int[] _order;
    private readonly int _firstBatch;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Batch> _ready = [];
    private readonly SemaphoreSlim _room;
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly List<Session> _sessions = [];
    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;
    private Exception? _failure;
    private int _next;

    /// <param name="epoch">Passes of different numbers have different orders and crops.</param>
    /// <param name="firstBatch">Batches before this one are left out, as when training goes on in mid-epoch.</param>
    public BatchLoader(Device device, ImageFolder data, LoaderOptions options, DamageReport damage, int epoch = 0, int firstBatch = 0)
    {
        _device = device;
        _data = data;
        _options = options;
        _damage = damage;
        _epoch = (ulong)epoch;
        _firstBatch = firstBatch;
        _next = firstBatch;
        _order = [.. Enumerable.Range(0, data.Samples.Length)];
        if (options.Shuffle) new CounterRandom(options.Seed, RandomPurpose.Order, _epoch).Shuffle<int>(_order);
        Batches = BatchesOf(data.Samples.Length, options);
        _room = new SemaphoreSlim(options.Workers * AheadPerWorker);
        for (int i = 0; i < options.Workers; i++)
        {
            var session = new Session(device);
            _sessions.Add(session);
            var thread = new Thread(() => Work(session)) { IsBackground = true, Name = $"loader {i}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Batches of a whole pass.</summary>
    public int Batches { get; }

    /// <summary>Batches of a pass over <paramref name="samples"/> pictures.</summary>
    public static int BatchesOf(int samples, LoaderOptions options) =>
        options.DropLast ? samples / options.BatchSize : (samples + options.BatchSize - 1) / options.BatchSize;

    /// <summary>The batches in order; the caller disposes of each. Once only.</summary>
    public IEnumerator<Batch> GetEnumerator()
    {
        for (int i = _firstBatch; i < Batches; i++)
        {
            Batch? batch;
            while (!TryTake(i, out batch)) _arrived.Wait();
            _room.Release();
            yield return batch;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        _stopping = true;
        _room.Release(_threads.Count);
        foreach (Thread thread in _threads) thread.Join();
        foreach (Batch batch in _ready.Values) batch.Dispose();
        foreach (Session session in _sessions) session.Dispose();
        _room.Dispose();
        _arrived.Dispose();
    }

    private bool TryTake(int index, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Batch? batch)
    {
        lock (_lock)
        {
            if (_failure != null) throw new DataException(_failure.Message);
            return _ready.Remove(index, out batch);
        }
    }

    private void Work(Session session)
    {
        try
        {
            using var decoder = new PictureDecoder(session);
            while (true)
            {
                _room.Wait();
                int index = Interlocked.Increment(ref _next) - 1;
                if (_stopping || index >= Batches) return;
                Batch batch = Load(session, decoder, index);
                lock (_lock) _ready[index] = batch;
                _arrived.Release();
            }
        }
        catch (Exception error)
        {
            lock (_lock) _failure = error;
            _arrived.Release();
        }
    }

    // The official code resizes otherwise for validation than for training.
    private bool Official => _options is { Preprocessing: Preprocessing.Spos, Augmentation: null };

    private Batch Load(Session session, PictureDecoder decoder, int index)
    {
        int first = index * _options.BatchSize;
        int count = Math.Min(_options.BatchSize, _order.Length - first);
        var pictures = new CompressedPicture[count];
        var transforms = new ImageTransformRecord[count];
        int[] labels = new int[count];
        try
        {
            for (int i = 0; i < count; i++)
            {
                int sample = _order[first + i];
                (pictures[i], labels[i]) = ReadWhole(sample);
                (int width, int height) = (pictures[i].Header.Width, pictures[i].Header.Height);
                transforms[i] = _options.Augmentation == null
                    ? Official ? Transforms.OfficialValidation(width, height, _options.ImageSize) : Transforms.Validation(width, height, _options.ImageSize)
                    : Transforms.Training(width, height, _options.ImageSize, _options.Augmentation, new CounterRandom(_options.Seed, RandomPurpose.Augmentation, _epoch, (ulong)sample));
            }
            Tensor images = decoder.Decode(pictures, transforms, _options.ImageSize, _options.Preprocessing, Official);
            var deviceLabels = new DeviceArray<int>(session.Pool, count);
            deviceLabels.Upload(session.Stream, labels);
            return new Batch(session, images, deviceLabels);
        }
        finally
        {
            foreach (CompressedPicture? picture in pictures) picture?.Dispose();
        }
    }

    // The sample's picture, or the next whole one of the data set.
    private (CompressedPicture Picture, int Label) ReadWhole(int sample)
    {
        for (int i = 0; i < _data.Samples.Length; i++)
        {
            ImageFolder.Sample candidate = _data.Samples[(sample + i) % _data.Samples.Length];
            try
            {
                return (CompressedPicture.Decode(RegularFile.Read(candidate.Path, MostBytes), candidate.Path.ToString()), candidate.Label);
            }
            catch (SposException error) when (error is DataException or UnreadableFileException)
            {
                _damage.Add(candidate.Path, error.Message);
            }
        }
        throw new DataException($"{_data.Root}: none of its {_data.Samples.Length} files is a usable JPEG.");
    }
}
