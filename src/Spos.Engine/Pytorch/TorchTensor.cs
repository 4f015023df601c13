namespace Spos.Engine.Pytorch;

/// <summary>The element types that PyTorch's storages have.</summary>
public enum TorchType
{
    Float32,
    Float64,
    Float16,
    BFloat16,
    Int64,
    Int32,
    Int16,
    Int8,
    UInt8,
    Bool,

    // From here on, what no weight of a network can be of.
    Complex64,
    Complex128,
    Quantised8,
    Quantised32,
    Bytes,
}

/// <summary>A run of elements in a checkpoint, by the key that the file knows it by; several tensors may share one.</summary>
internal sealed record TorchStorage(string Key, TorchType Type, long Count)
{
    public int ElementSize => Type switch
    {
        TorchType.Complex128 => 16,
        TorchType.Float64 or TorchType.Int64 or TorchType.Complex64 => 8,
        TorchType.Float32 or TorchType.Int32 or TorchType.Quantised32 => 4,
        TorchType.Float16 or TorchType.BFloat16 or TorchType.Int16 => 2,
        _ => 1,
    };

    /// <summary>Bytes in all.</summary>
    public long Length => Count * ElementSize;

    /// <summary>The same bytes as elements of another type.</summary>
    public TorchStorage Of(TorchType type)
    {
        var other = new TorchStorage(Key, type, 0);
        return other with { Count = Length / other.ElementSize };
    }
}

/// <summary>A tensor of a checkpoint: a view of a storage, whose bytes are read when they are asked for.</summary>
public sealed class TorchTensor
{
    // More than any tensor of a vision network, and little enough to hold.
    private const long MostElements = 1L << 29;
    private const int MostDimensions = 16;

    internal TorchTensor(TorchStorage storage, long offset, long[] sizes, long[] strides)
    {
        if (sizes.Length > MostDimensions || sizes.Length != strides.Length)
        {
            throw new FormatException($"a tensor has {sizes.Length} sizes and {strides.Length} strides");
        }
        long count = 1;
        Int128 last = offset;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] < 0 || strides[i] < 0 || sizes[i] > MostElements)
            {
                throw new FormatException($"a tensor has size {sizes[i]} and stride {strides[i]}");
            }
            count *= sizes[i];
            if (count > MostElements) throw new FormatException("a tensor is too large");
            last += (Int128)Math.Max(0, sizes[i] - 1) * strides[i];
        }
        if (offset < 0 || (count > 0 && last >= storage.Count))
        {
            throw new FormatException($"a tensor reaches beyond its storage of {storage.Count} elements");
        }
        (Storage, Offset, Sizes, Strides, Count) = (storage, offset, sizes, strides, count);
    }

    /// <summary>In PyTorch's order.</summary>
    public IReadOnlyList<long> Sizes { get; }

    public TorchType Type => Storage.Type;

    /// <summary>Whether the elements are numbers that floats can stand for.</summary>
    public bool IsNumbers => Type < TorchType.Complex64;

    /// <summary>Elements.</summary>
    public long Count { get; }

    internal TorchStorage Storage { get; }

    internal long Offset { get; }

    internal IReadOnlyList<long> Strides { get; }

    public override string ToString() => $"[{string.Join(", ", Sizes)}] {Type}";
}
