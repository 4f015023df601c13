using System.Buffers;
using System.Diagnostics;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using Spos.Engine.Devices;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// The decoded pictures of a data set on disk, so that reading them again needs no decoding: NAME.pixels has their pixels, picture after
/// picture, and NAME.index says what lies where (<see cref="CacheIndex"/>). Pictures as they are give the same batches as their files, bit
/// for bit. It is made in order. The index tells only of what has come to the disk, and is replaced as a whole; so a cache whose making
/// was stopped or killed, at whatever moment, is gone on with from there, and only a whole one is read.
/// </summary>
/// <remarks>
/// Pixels are read and not mapped into memory: where a disk fails or a file was cut short, a read says so, and a mapping ends the program.
/// </remarks>
public sealed class PictureCache
{
    // A run that is killed loses so much work.
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(10);

    // As that of JPEGs' coefficients: the shared pool keeps too few for the batches that are on their way.
    private static readonly ArrayPool<byte> Pool = ArrayPool<byte>.Create(1 << 30, 256);

    private readonly string _root;
    private CacheIndex _index;
    private volatile SafeFileHandle? _pixels;

    private PictureCache(string folder, string name, int? shortSide, ImageFolder data)
    {
        (_root, Name) = (data.Root, name);
        (IndexFile, PixelsFile) = (Path.Combine(folder, $"{name}.index"), Path.Combine(folder, $"{name}.pixels"));
        _index = new CacheIndex { ShortSide = shortSide, Data = data.Identity, Pictures = [] };
    }

    /// <summary>What its files are called, but for their endings.</summary>
    public string Name { get; }

    /// <summary>The file that says what lies where.</summary>
    public string IndexFile { get; }

    /// <summary>The file of pixels.</summary>
    public string PixelsFile { get; }

    /// <summary>Whether it can be read from.</summary>
    public bool IsWhole => _pixels != null;

    /// <summary>How many pictures are done with.</summary>
    public int Pictures => _index.Pictures.Length;

    /// <summary>Of an unfinished file of pixels, what the index does not tell of: it is cut off, and its room is used again.</summary>
    public long TornBytes =>
        IsWhole ? 0 : Math.Max(0, (FileStatus.Of(FilePath.Of(PixelsFile))?.Size ?? 0) - _index.Bytes);

    /// <summary>
    /// The cache of a whole data set in a folder, which may be there, be unfinished or not be there yet. Nothing is written.
    /// </summary>
    /// <param name="shortSide">The most pixels of pictures' shorter side; null for pictures as they are.</param>
    /// <exception cref="DataException">What is there is damaged, or is of other pictures or of another size.</exception>
    public static PictureCache Open(string folder, string name, int? shortSide, ImageFolder data)
    {
        var cache = new PictureCache(folder, name, shortSide, data);
        cache.Load();
        cache.BeginReading();
        return cache;
    }

    /// <summary>How much is still to be written.</summary>
    /// <param name="workers">Files that are read at once.</param>
    public CacheEstimate Estimate(ImageFolder data, int workers) => new(data, Pictures, workers);

    /// <summary>Makes it, or goes on with it.</summary>
    /// <param name="data">The whole data set.</param>
    /// <param name="workers">Threads that decode; what is written does not depend on how many they are.</param>
    /// <param name="report">Told after each picture how many are done with.</param>
    /// <param name="cancel">Ends it after a picture; what was done is kept.</param>
    /// <returns>Whether it is whole.</returns>
    /// <exception cref="DataException">Another program is making it.</exception>
    /// <exception cref="WriteException">It cannot be written; what the index tells of is kept.</exception>
    public bool Make(ImageFolder data, Device device, int workers, Action<long> report, CancellationToken cancel)
    {
        // Another run may have made it since it was opened, and may be reading it: then it cannot be opened for writing.
        Load();
        if (!_index.IsWhole)
        {
            using FileStream target = OpenTarget();
            // The last run that made it may have ended just now.
            Load();
            if (!_index.IsWhole) MakeRest(target, data, device, workers, report, cancel);
        }
        BeginReading();
        return IsWhole;
    }

    /// <summary>A picture; null if it is not in the cache, and its own file has to be read.</summary>
    /// <param name="number">Its place in the whole data set.</param>
    /// <exception cref="DataException">The cache is damaged.</exception>
    internal CompressedPicture? Read(int number)
    {
        if (_pixels is not { } file || _index.Pictures[number] is not { Width: > 0 } entry) return null;
        int size = (int)entry.Bytes;
        byte[] pixels = Pool.Rent(size);
        try
        {
            for (int length = 0; length < size;)
            {
                int count = RandomAccess.Read(file, pixels.AsSpan(length, size - length), entry.Offset + length);
                length += count > 0 ? count : throw Unusable(PixelsFile, "is cut short");
            }
            if (XxHash3.HashToUInt64(pixels.AsSpan(0, size)) != entry.Checksum)
            {
                throw Unusable(PixelsFile, $"is damaged: the pixels of picture {number}, from byte {entry.Offset} on, are others");
            }
            return new CompressedPicture(entry.Width, entry.Height, pixels, Pool, entry.Warning);
        }
        catch
        {
            Pool.Return(pixels);
            throw;
        }
    }

    private static string Asking(int? shortSide) => shortSide == null ? "Leave out --cache-size" : $"Give --cache-size {shortSide}";

    private static string Size(int? shortSide) => shortSide == null ? "at full size" : $"with a short side of {shortSide}";

    private void MakeRest(
        FileStream target, ImageFolder data, Device device, int workers, Action<long> report, CancellationToken cancel)
    {
        var done = new List<CachedPicture>(_index.Pictures);
        long offset = _index.Bytes, saved = Stopwatch.GetTimestamp();
        // What the index does not tell of may not have come to the disk.
        Writing(() => target.SetLength(offset));
        // A killed run may have left an index half-written; no other one writes this index now.
        Writing(() => AtomicFile.RemoveLeftovers(Path.GetDirectoryName(IndexFile)!, name => name == Path.GetFileName(IndexFile)));
        target.Position = offset;
        Save();
        using var maker = new CacheMaker(data, device, _index.ShortSide, workers, PictureReader.FileOf);
        foreach ((byte[] pixels, CachedPicture entry) in maker.From(done.Count, cancel))
        {
            Writing(() => target.Write(pixels, 0, (int)entry.Bytes));
            done.Add(entry with { Offset = offset });
            offset += entry.Bytes;
            report(done.Count);
            if (Stopwatch.GetElapsedTime(saved) < SaveInterval) continue;
            Save();
            saved = Stopwatch.GetTimestamp();
        }
        Save();

        void Save()
        {
            Writing(() => target.Flush(flushToDisk: true));
            _index = _index with { Pictures = [.. done] };
            _index.Write(IndexFile);
        }
    }

    // While it is open, no other program can open it for reading or writing.
    private FileStream OpenTarget()
    {
        if (RegularFile.IsOther(PixelsFile)) throw Unusable(PixelsFile, "is no regular file");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PixelsFile)!);
            return new FileStream(PixelsFile, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
        }
        catch (Exception error) when (WriteException.TellsOfLock(error))
        {
            throw InUse();
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(PixelsFile, error);
        }
    }

    private void Writing(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(PixelsFile, error);
        }
    }

    // What is there.
    private void Load()
    {
        if (!Path.Exists(IndexFile))
        {
            if (FileStatus.Of(FilePath.Of(PixelsFile)) is { } found && found is not { Kind: FileKind.Regular, Size: 0 })
            {
                throw Unusable(PixelsFile, $"is there, but not {IndexFile}");
            }
            // It may have been removed since it was opened.
            _index = _index with { Pictures = [] };
            return;
        }
        CacheIndex index = ReadIndex();
        if (index.ShortSide != _index.ShortSide)
        {
            throw new DataException(
                $"{IndexFile} is of pictures {Size(index.ShortSide)}, not {Size(_index.ShortSide)}. "
                + $"{Asking(index.ShortSide)}, choose another folder by --cache, or remove {IndexFile} and {PixelsFile}.");
        }
        if (index.Data.DifferenceTo(_index.Data) is { } difference)
        {
            throw new DataException(
                $"{IndexFile} was made of other pictures than {_root} has: {difference}. "
                + $"Choose another folder by --cache, or remove {IndexFile} and {PixelsFile}, and it is made anew.");
        }
        // Else pictures' numbers would not be those of the index.
        if (!index.Data.Classes.SequenceEqual(_index.Data.Classes)) throw Unusable(IndexFile, "is damaged: its classes are others");
        if (FileStatus.Of(FilePath.Of(PixelsFile)) is not { } pixels) throw Unusable(IndexFile, $"is there, but not {PixelsFile}");
        if (pixels.Kind != FileKind.Regular) throw Unusable(PixelsFile, "is no regular file");
        // Beyond what the index of an unfinished cache tells of more may have been written.
        if (pixels.Size < index.Bytes || (index.IsWhole && pixels.Size > index.Bytes))
        {
            throw Unusable(PixelsFile, $"has {pixels.Size} bytes, not {index.Bytes}");
        }
        _index = index;
    }

    // Only a whole cache is read from.
    private void BeginReading()
    {
        if (_index.IsWhole && _pixels == null) _pixels = OpenPixels();
    }

    private CacheIndex ReadIndex()
    {
        try
        {
            return CacheIndex.Read(IndexFile);
        }
        catch (FormatException error)
        {
            throw Unusable(IndexFile, error.Message);
        }
        catch (UnreadableFileException error)
        {
            throw new DataException(error.Message);
        }
    }

    private SafeFileHandle OpenPixels()
    {
        try
        {
            return File.OpenHandle(
                PixelsFile, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
        }
        catch (Exception error) when (WriteException.TellsOfLock(error))
        {
            throw InUse();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{PixelsFile}: cannot be read: {error.Message}");
        }
    }

    private DataException InUse() => new(
        $"{PixelsFile} is being written by another program, which makes this cache. Wait until it is done, and start again.");

    private DataException Unusable(string file, string why) =>
        new($"{file} {why}. Remove {IndexFile} and {PixelsFile}, and the cache is made anew, or choose another folder by --cache.");
}
