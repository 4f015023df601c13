using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Reads safetensors (github.com/huggingface/safetensors, "Format"): the header's length, a JSON header, the tensors' bytes, which must
/// cover the rest of the file without overlaps and holes.
/// </summary>
internal sealed class SafetensorsFile : TensorSource
{
    /// <summary>The entry of the header that holds texts and no tensor.</summary>
    public const string MetadataName = "__metadata__";

    private const int LengthBytes = 8, MostDepth = 8;

    private static readonly Dictionary<string, TorchType> Types = new()
    {
        ["F64"] = TorchType.Float64,
        ["F32"] = TorchType.Float32,
        ["F16"] = TorchType.Float16,
        ["BF16"] = TorchType.BFloat16,
        ["I64"] = TorchType.Int64,
        ["I32"] = TorchType.Int32,
        ["I16"] = TorchType.Int16,
        ["I8"] = TorchType.Int8,
        ["U8"] = TorchType.UInt8,
        ["BOOL"] = TorchType.Bool,
        ["C64"] = TorchType.Complex64,
    };

    private readonly Dictionary<string, long> _storageAt = [];

    public SafetensorsFile(FileStream file)
        : base(file)
    {
        byte[] length = new byte[LengthBytes];
        file.ReadExactly(length);
        long headerLength = BinaryPrimitives.ReadInt64LittleEndian(length);
        if (headerLength > file.Length - LengthBytes) throw new FormatException($"its header of {headerLength} bytes is cut off");
        byte[] header = new byte[headerLength];
        file.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = MostDepth });
            Metadata = document.RootElement.TryGetProperty(MetadataName, out JsonElement metadata) ? Texts(metadata) : Metadata;
            Root = Tensors(document.RootElement, LengthBytes + headerLength);
        }
        catch (JsonException error)
        {
            throw new FormatException($"its header: {JsonFile.Explain(error, Encoding.UTF8.GetString(header))}", error);
        }
        catch (InvalidOperationException error)
        {
            // JsonElement, where a name or text is asked for whose characters are none.
            throw new FormatException("its header has a text that is not Unicode", error);
        }
    }

    public override byte[] Read(TorchStorage storage)
    {
        byte[] bytes = new byte[storage.Length];
        File.Position = _storageAt[storage.Key];
        File.ReadExactly(bytes);
        return bytes;
    }

    private PickleDictionary Tensors(JsonElement header, long dataAt)
    {
        var tensors = new PickleDictionary();
        var ranges = new List<(long Begin, long End, string Name)>();
        foreach (JsonProperty entry in header.EnumerateObject().Where(e => e.Name != MetadataName))
        {
            if (tensors.TryGet(entry.Name, out _)) throw new FormatException($"it has two tensors named {entry.Name}");
            string type = Field(entry, "dtype", JsonValueKind.String).GetString()!;
            long[] sizes = Numbers(entry, "shape");
            if (Numbers(entry, "data_offsets") is not [long begin, long end] || begin < 0 || begin > end || end > File.Length - dataAt)
            {
                throw new FormatException($"the place of {entry.Name} is not within it");
            }
            ranges.Add((begin, end, entry.Name));
            // Of another type, such as floats of 8 bits, only the place is looked at.
            object tensor = Types.TryGetValue(type, out TorchType known)
                ? Tensor(entry.Name, known, sizes, begin, end)
                : new PickleOpaque(new PickleGlobal("safetensors", type));
            tensors.Set(entry.Name, tensor);
            _storageAt[entry.Name] = dataAt + begin;
        }
        long at = 0;
        foreach ((long begin, long end, string name) in ranges.OrderBy(r => r.Begin).ThenBy(r => r.End))
        {
            if (begin != at)
            {
                throw new FormatException(
                    begin < at ? $"{name} overlaps another tensor" : $"{begin - at} bytes before {name} belong to no tensor");
            }
            at = end;
        }
        if (at != File.Length - dataAt) throw new FormatException($"{File.Length - dataAt - at} bytes at its end belong to no tensor");
        return tensors;
    }

    private static TorchTensor Tensor(string name, TorchType type, long[] sizes, long begin, long end)
    {
        var storage = new TorchStorage(name, type, 0);
        storage = storage with { Count = (end - begin) / storage.ElementSize };
        // TorchTensor checks the sizes, before which the strides may be anything.
        long[] strides = new long[sizes.Length];
        long count = 1;
        for (int d = sizes.Length - 1; d >= 0; d--)
        {
            strides[d] = count;
            count *= sizes[d];
        }
        var tensor = new TorchTensor(storage, 0, sizes, strides);
        long expected = tensor.Count * storage.ElementSize;
        return expected == end - begin ? tensor : throw new FormatException($"{name} has {end - begin} bytes, not {expected}");
    }

    private static JsonElement Field(JsonProperty tensor, string name, JsonValueKind kind) =>
        tensor.Value.ValueKind == JsonValueKind.Object
        && tensor.Value.TryGetProperty(name, out JsonElement field) && field.ValueKind == kind
            ? field
            : throw new FormatException($"its header has no {name} of {tensor.Name}, or it is of another type");

    private static long[] Numbers(JsonProperty tensor, string name) =>
    [
        .. Field(tensor, name, JsonValueKind.Array).EnumerateArray()
            .Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out long number)
                ? number
                : throw new FormatException($"its header has a {name} of {tensor.Name} that is not of whole numbers")),
    ];

    private static Dictionary<string, string> Texts(JsonElement entries)
    {
        if (entries.ValueKind != JsonValueKind.Object) throw new FormatException($"its header's {MetadataName} has no fields");
        var texts = new Dictionary<string, string>();
        foreach (JsonProperty entry in entries.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.String)
            {
                throw new FormatException($"its header's {MetadataName}.{entry.Name} is no text");
            }
            texts[entry.Name] = entry.Value.GetString()!;
        }
        return texts;
    }
}
