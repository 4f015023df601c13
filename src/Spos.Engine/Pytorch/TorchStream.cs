using System.Buffers.Binary;
using System.Numerics;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The format of torch.save before PyTorch 1.6: pickles one after another, which are a magic number, a version, what system wrote it,
/// the object and the storages' keys; then each storage's number of elements and its bytes.
/// </summary>
internal sealed class TorchStream : TensorSource
{
    private const int MostPickleBytes = 256 << 20;

    // torch.serialization.MAGIC_NUMBER and PROTOCOL_VERSION.
    private static readonly BigInteger MagicNumber = BigInteger.Parse(
        "119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);
    private const long Protocol = 1001;

    private readonly Dictionary<string, long> _storageAt = [];

    public TorchStream(FileStream file)
        : base(file)
    {
        // How long the pickles are is not said.
        byte[] head = new byte[(int)Math.Min(file.Length, MostPickleBytes)];
        file.ReadExactly(head);
        int position = 0;
        var objects = new TorchObjects();
        if (Unpickler.Load(head, ref position, objects) is not BigInteger magic || magic != MagicNumber)
        {
            throw new FormatException("its first number is wrong");
        }
        if (Unpickler.Load(head, ref position, objects) is not Protocol) throw new FormatException("its version is not known");
        if (Unpickler.Load(head, ref position, objects) is PickleDictionary system && system.TryGet("little_endian", out object? little))
        {
            BigEndian = little is false;
        }
        Root = Unpickler.Load(head, ref position, objects);
        if (Unpickler.Load(head, ref position, objects) is not List<object?> keys)
        {
            throw new FormatException("the list of storages is missing");
        }
        FindStorages(keys, objects, position);
        Metadata = ExportRecord.MetadataIn(Root);
    }

    public override byte[] Read(TorchStorage storage)
    {
        if (!_storageAt.TryGetValue(storage.Key, out long at)) throw new FormatException($"storage {storage.Key} is missing");
        byte[] bytes = new byte[storage.Length];
        File.Position = at;
        File.ReadExactly(bytes);
        return bytes;
    }

    private void FindStorages(List<object?> keys, TorchObjects objects, long at)
    {
        Span<byte> length = stackalloc byte[8];
        foreach (object? key in keys)
        {
            if (key is not string name || !objects.All.TryGetValue(name, out TorchStorage? storage))
            {
                throw new FormatException("a storage is listed that no tensor is of");
            }
            File.Position = at;
            File.ReadExactly(length);
            long count = BigEndian ? BinaryPrimitives.ReadInt64BigEndian(length) : BinaryPrimitives.ReadInt64LittleEndian(length);
            if (count != storage.Count) throw new FormatException($"storage {name} has {count} elements, not {storage.Count}");
            _storageAt[name] = at + length.Length;
            at += length.Length + storage.Length;
            if (at > File.Length) throw new FormatException($"it ends in storage {name}");
        }
        string? missing = objects.All.Keys.FirstOrDefault(k => !_storageAt.ContainsKey(k));
        if (missing != null) throw new FormatException($"storage {missing} is missing");
    }
}
