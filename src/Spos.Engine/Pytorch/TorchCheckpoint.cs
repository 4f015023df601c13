using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using System.Text;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>
/// What torch.save wrote: the zip archive of PyTorch 1.6 and later, or the stream of pickles before that. Read as data, by
/// <see cref="Unpickler"/>.
/// </summary>
public sealed class TorchCheckpoint : IDisposable
{
    private const int MostPickleBytes = 256 << 20;

    // torch.serialization.MAGIC_NUMBER and PROTOCOL_VERSION.
    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);
    private const long LegacyProtocol = 1001;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly Dictionary<string, long> _storageAt = [];
    private bool _bigEndian;

    private TorchCheckpoint(string path, FileStream file)
    {
        (_path, _file) = (path, file);
    }

    /// <summary>The object that was saved.</summary>
    public object? Root { get; private set; }

    /// <summary>Opens a checkpoint; tensors are read from it until it is disposed of.</summary>
    /// <exception cref="TorchCheckpointException">It cannot be read, is damaged, or names what is not data.</exception>
    public static TorchCheckpoint Open(string path)
    {
        FileStream file;
        try
        {
            file = File.OpenRead(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TorchCheckpointException($"{path} cannot be read: {error.Message}");
        }
        var checkpoint = new TorchCheckpoint(path, file);
        try
        {
            checkpoint.Read();
            return checkpoint;
        }
        catch (Exception error) when (error is PickleException or FormatException or InvalidDataException or EndOfStreamException)
        {
            file.Dispose();
            throw new TorchCheckpointException($"{path} is not a checkpoint of PyTorch's that can be read: {error.Message}.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A tensor's elements as floats, in the order of its sizes, the last one fastest.</summary>
    /// <exception cref="TorchCheckpointException">The file is shorter than it says.</exception>
    public float[] Floats(TorchTensor tensor)
    {
        TorchStorage storage = tensor.Storage;
        if (storage.Count * storage.ElementSize > Array.MaxLength) throw new TorchCheckpointException($"{_path}: storage {storage.Key} is larger than 2 GiB.");
        byte[] bytes = new byte[storage.Count * storage.ElementSize];
        try
        {
            _file.Position = _storageAt[storage.Key];
            _file.ReadExactly(bytes);
        }
        catch (EndOfStreamException)
        {
            throw new TorchCheckpointException($"{_path} is cut off.");
        }
        float[] values = new float[tensor.Count];
        long[] index = new long[tensor.Sizes.Count];
        long at = tensor.Offset;
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = Element(storage.Type, bytes.AsSpan((int)(at * storage.ElementSize)));
            for (int d = index.Length - 1; d >= 0; d--)
            {
                at += tensor.Strides[d];
                if (++index[d] < tensor.Sizes[d]) break;
                at -= index[d] * tensor.Strides[d];
                index[d] = 0;
            }
        }
        return values;
    }

    public void Dispose() => _file.Dispose();

    private float Element(TorchType type, ReadOnlySpan<byte> bytes)
    {
        switch (type)
        {
            case TorchType.UInt8:
                return bytes[0];
            case TorchType.Int8:
                return (sbyte)bytes[0];
            case TorchType.Bool:
                return bytes[0] != 0 ? 1 : 0;
            case TorchType.Float16:
                return (float)(_bigEndian ? BinaryPrimitives.ReadHalfBigEndian(bytes) : BinaryPrimitives.ReadHalfLittleEndian(bytes));
            case TorchType.BFloat16:
                ushort bits = _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                return BitConverter.UInt32BitsToSingle((uint)bits << 16);
            case TorchType.Int16:
                return _bigEndian ? BinaryPrimitives.ReadInt16BigEndian(bytes) : BinaryPrimitives.ReadInt16LittleEndian(bytes);
            case TorchType.Int32:
                return _bigEndian ? BinaryPrimitives.ReadInt32BigEndian(bytes) : BinaryPrimitives.ReadInt32LittleEndian(bytes);
            case TorchType.Int64:
                return _bigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);
            case TorchType.Float64:
                return (float)(_bigEndian ? BinaryPrimitives.ReadDoubleBigEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes));
            default:
                return _bigEndian ? BinaryPrimitives.ReadSingleBigEndian(bytes) : BinaryPrimitives.ReadSingleLittleEndian(bytes);
        }
    }

    private void Read()
    {
        Span<byte> first = stackalloc byte[4];
        int read = _file.ReadAtLeast(first, 4, throwOnEndOfStream: false);
        _file.Position = 0;
        if (read == 4 && first.SequenceEqual("PK\u0003\u0004"u8)) ReadArchive();
        else ReadLegacy();
    }

    // NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder in newer ones; all stored as they are.
    private void ReadArchive()
    {
        var objects = new TorchObjects();
        using var archive = new ZipArchive(_file, ZipArchiveMode.Read, leaveOpen: true);
        ZipArchiveEntry pickle = archive.Entries.FirstOrDefault(e => e.FullName.EndsWith("/data.pkl", StringComparison.Ordinal)) ?? throw new FormatException("the archive has no data.pkl");
        string prefix = pickle.FullName[..^"data.pkl".Length];
        byte[] data = Contents(pickle, MostPickleBytes);
        int position = 0;
        Root = Unpickler.Load(data, ref position, objects);
        if (archive.GetEntry($"{prefix}byteorder") is { } order) _bigEndian = Encoding.ASCII.GetString(Contents(order, 16)) == "big";
        foreach (TorchStorage storage in objects.All.Values)
        {
            ZipArchiveEntry entry = archive.GetEntry($"{prefix}data/{storage.Key}") ?? throw new FormatException($"the archive lacks storage {storage.Key}");
            if (entry.CompressedLength != entry.Length || entry.Length < storage.Count * storage.ElementSize) throw new FormatException($"storage {storage.Key} is not of {storage.Count} elements stored as they are");
            long start = StartOf(entry);
            if (start + storage.Count * storage.ElementSize > _file.Length) throw new FormatException("it is cut off");
            _storageAt[storage.Key] = start;
        }
    }

    private static byte[] Contents(ZipArchiveEntry entry, int most)
    {
        if (entry.Length > most) throw new FormatException($"{entry.FullName} is too large");
        byte[] contents = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(contents);
        return contents;
    }

    // Where a stored entry's bytes begin in the file: opened, the archive has gone to just there.
    private long StartOf(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        if (entry.Length > 0) _ = stream.ReadByte();
        return _file.Position - (entry.Length > 0 ? 1 : 0);
    }

    // Pickles one after another: magic number, version, what system wrote it, the object, the storages' keys; then each
    // storage's number of elements and its bytes.
    private void ReadLegacy()
    {
        byte[] head = ReadHead();
        int position = 0;
        var objects = new TorchObjects();
        if (Unpickler.Load(head, ref position, objects) is not BigInteger magic || magic != LegacyMagic) throw new FormatException("it has neither an archive's nor the legacy format's first bytes");
        if (Unpickler.Load(head, ref position, objects) is not LegacyProtocol) throw new FormatException("its version is not known");
        if (Unpickler.Load(head, ref position, objects) is PickleDictionary system && system.TryGet("little_endian", out object? little)) _bigEndian = little is false;
        Root = Unpickler.Load(head, ref position, objects);
        if (Unpickler.Load(head, ref position, objects) is not List<object?> keys) throw new FormatException("the list of storages is missing");
        long at = position;
        Span<byte> length = stackalloc byte[8];
        foreach (object? key in keys)
        {
            if (key is not string name || !objects.All.TryGetValue(name, out TorchStorage? storage)) throw new FormatException("a storage is listed that no tensor is of");
            _file.Position = at;
            _file.ReadExactly(length);
            long count = _bigEndian ? BinaryPrimitives.ReadInt64BigEndian(length) : BinaryPrimitives.ReadInt64LittleEndian(length);
            if (count != storage.Count) throw new FormatException($"storage {name} has {count} elements, not {storage.Count}");
            _storageAt[name] = at + 8;
            at += 8 + count * storage.ElementSize;
            if (at > _file.Length) throw new FormatException("it is cut off");
        }
        string? missing = objects.All.Keys.FirstOrDefault(k => !_storageAt.ContainsKey(k));
        if (missing != null) throw new FormatException($"storage {missing} is missing");
    }

    // The pickles come first; how long they are is not said.
    private byte[] ReadHead()
    {
        byte[] head = new byte[(int)Math.Min(_file.Length, MostPickleBytes)];
        _file.ReadExactly(head);
        return head;
    }
}
