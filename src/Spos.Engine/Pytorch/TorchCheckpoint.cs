using System.Buffers.Binary;
using Spos.Engine.Files;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>
/// A file of PyTorch's weights: what torch.save wrote (the zip archive of PyTorch 1.6 and later, or the stream of pickles before
/// that) or a safetensors file. What it is, its contents tell and not its name. Read as data, by <see cref="Unpickler"/>.
/// </summary>
public sealed class TorchCheckpoint : IDisposable
{
    private readonly string _path;
    private readonly TensorSource _source;

    // The storage that was read last: those of flattened networks hold many tensors.
    private (TorchStorage Storage, byte[] Bytes)? _last;

    private TorchCheckpoint(string path, TensorSource source)
    {
        (_path, _source) = (path, source);
    }

    /// <summary>The object that was saved; of a safetensors file a dict of its tensors.</summary>
    public object? Root => _source.Root;

    /// <summary>What the file says of its network, as texts by name, where <see cref="ExportRecord"/> put it; empty if nothing.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _source.Metadata;

    /// <summary>Opens a file; tensors are read from it until it is disposed of.</summary>
    /// <exception cref="TorchCheckpointException">It cannot be read, or is no checkpoint; then the message says what it is.</exception>
    public static TorchCheckpoint Open(string path)
    {
        FileStream file = OpenFile(path);
        try
        {
            return new TorchCheckpoint(path, TensorSource.Of(path, file));
        }
        catch (Exception error) when (IsDamage(error))
        {
            file.Dispose();
            throw Damaged(path, error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A tensor's elements as floats, in the order of its sizes, the last one fastest.</summary>
    /// <exception cref="TorchCheckpointException">The file is damaged or cut off, or the elements are no numbers.</exception>
    public float[] Floats(TorchTensor tensor) => Elements(tensor, (bytes, at) => Float(tensor.Type, bytes.AsSpan(at)));

    /// <summary>A tensor's elements as integers.</summary>
    /// <exception cref="TorchCheckpointException">As of <see cref="Floats"/>.</exception>
    public long[] Integers(TorchTensor tensor) => Elements(
        tensor, (bytes, at) => tensor.Type == TorchType.Int64 ? Integer(bytes.AsSpan(at)) : (long)Float(tensor.Type, bytes.AsSpan(at)));

    public void Dispose() => _source.Dispose();

    private static FileStream OpenFile(string path)
    {
        if (Directory.Exists(path)) throw new TorchCheckpointException($"{path} is a folder: name a file in it.");
        if (RegularFile.IsOther(path)) throw new TorchCheckpointException($"{path} is not a regular file: name one.");
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TorchCheckpointException($"{path} cannot be read: {error.Message}");
        }
    }

    private static bool IsDamage(Exception error) => error
        is PickleException or FormatException or InvalidDataException or EndOfStreamException;

    private static TorchCheckpointException Damaged(string path, Exception error) =>
        new($"{path} cannot be read: {ReasonOf(error)}. If it was damaged or cut off on its way, copy or download it again.");

    // The words of our own exceptions; those of the libraries say nothing of the file.
    private static string ReasonOf(Exception error) => error switch
    {
        EndOfStreamException => "it is cut off",
        InvalidDataException => "a member of its zip archive cannot be unpacked",
        _ => error.Message.TrimEnd('.'),
    };

    private T[] Elements<T>(TorchTensor tensor, Func<byte[], int, T> read)
    {
        if (!tensor.IsNumbers) throw new TorchCheckpointException($"{_path} has a tensor of type {tensor.Type}, which is no number.");
        byte[] bytes = Bytes(tensor.Storage);
        int size = tensor.Storage.ElementSize;
        T[] values = new T[tensor.Count];
        long[] index = new long[tensor.Sizes.Count];
        long at = tensor.Offset;
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = read(bytes, (int)(at * size));
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

    private byte[] Bytes(TorchStorage storage)
    {
        if (_last?.Storage == storage) return _last.Value.Bytes;
        if (storage.Length > Array.MaxLength) throw new TorchCheckpointException($"{_path}: storage {storage.Key} is larger than 2 GiB.");
        try
        {
            byte[] bytes = _source.Read(storage);
            _last = (storage, bytes);
            return bytes;
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(_path, error);
        }
    }

    private long Integer(ReadOnlySpan<byte> bytes) =>
        _source.BigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);

    private float Float(TorchType type, ReadOnlySpan<byte> bytes)
    {
        bool big = _source.BigEndian;
        switch (type)
        {
            case TorchType.UInt8:
                return bytes[0];
            case TorchType.Int8:
                return (sbyte)bytes[0];
            case TorchType.Bool:
                return bytes[0] != 0 ? 1 : 0;
            case TorchType.Float16:
                return (float)(big ? BinaryPrimitives.ReadHalfBigEndian(bytes) : BinaryPrimitives.ReadHalfLittleEndian(bytes));
            case TorchType.BFloat16:
                ushort bits = big ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                return BitConverter.UInt32BitsToSingle((uint)bits << 16);
            case TorchType.Int16:
                return big ? BinaryPrimitives.ReadInt16BigEndian(bytes) : BinaryPrimitives.ReadInt16LittleEndian(bytes);
            case TorchType.Int32:
                return big ? BinaryPrimitives.ReadInt32BigEndian(bytes) : BinaryPrimitives.ReadInt32LittleEndian(bytes);
            case TorchType.Int64:
                return Integer(bytes);
            case TorchType.Float64:
                return (float)(big ? BinaryPrimitives.ReadDoubleBigEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes));
            default:
                return big ? BinaryPrimitives.ReadSingleBigEndian(bytes) : BinaryPrimitives.ReadSingleLittleEndian(bytes);
        }
    }
}
