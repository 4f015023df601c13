using System.Collections.Frozen;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>What PyTorch's checkpoints name: storages, and the functions that make tensors of them.</summary>
internal sealed class TorchObjects : PickleObjects
{
    private static readonly FrozenDictionary<string, TorchType> Storages = new Dictionary<string, TorchType>
    {
        ["FloatStorage"] = TorchType.Float32,
        ["DoubleStorage"] = TorchType.Float64,
        ["HalfStorage"] = TorchType.Float16,
        ["BFloat16Storage"] = TorchType.BFloat16,
        ["LongStorage"] = TorchType.Int64,
        ["IntStorage"] = TorchType.Int32,
        ["ShortStorage"] = TorchType.Int16,
        ["CharStorage"] = TorchType.Int8,
        ["ByteStorage"] = TorchType.UInt8,
        ["BoolStorage"] = TorchType.Bool,
        ["ComplexFloatStorage"] = TorchType.Complex64,
        ["ComplexDoubleStorage"] = TorchType.Complex128,
        ["QInt8Storage"] = TorchType.Quantised8,
        ["QUInt8Storage"] = TorchType.Quantised8,
        ["QUInt4x2Storage"] = TorchType.Quantised8,
        ["QUInt2x4Storage"] = TorchType.Quantised8,
        ["QInt32Storage"] = TorchType.Quantised32,
        ["UntypedStorage"] = TorchType.Bytes,
        ["_UntypedStorage"] = TorchType.Bytes,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, TorchType> Types = new Dictionary<string, TorchType>
    {
        ["float32"] = TorchType.Float32,
        ["float64"] = TorchType.Float64,
        ["float16"] = TorchType.Float16,
        ["bfloat16"] = TorchType.BFloat16,
        ["int64"] = TorchType.Int64,
        ["int32"] = TorchType.Int32,
        ["int16"] = TorchType.Int16,
        ["int8"] = TorchType.Int8,
        ["uint8"] = TorchType.UInt8,
        ["bool"] = TorchType.Bool,
    }.ToFrozenDictionary();

    // The module of the functions that make tensors.
    private const string Rebuilding = "torch._utils";

    private readonly Dictionary<string, TorchStorage> _storages = [];

    /// <summary>All storages that were named, by key.</summary>
    public IReadOnlyDictionary<string, TorchStorage> All => _storages;

    public override object? Build(PickleGlobal callee, PickleTuple arguments)
    {
        if (callee is { Module: "torch", Name: "Size" } && arguments.Count == 1) return arguments[0];
        if (callee is { Module: "torch._tensor", Name: "_rebuild_from_type_v2" } &&
            arguments is [PickleGlobal { Module: Rebuilding } function, PickleGlobal, PickleTuple inner, ..])
        {
            // A tensor of a class of its own, or with attributes.
            return Rebuild(function, inner);
        }
        return callee.Module == Rebuilding ? Rebuild(callee, arguments) : base.Build(callee, arguments);
    }

    // ("storage", class, key, location, count), in the legacy format with a view after it; or ("module", class, file, source).
    public override object? Load(object? persistentId)
    {
        if (persistentId is PickleTuple { Count: 4 } module && module[0] is "module" && module[1] is PickleGlobal) return module[1];
        if (persistentId is not PickleTuple { Count: 5 or 6 } id || id[0] is not "storage"
            || id[1] is not PickleGlobal type || id[2] is not string key)
        {
            throw new FormatException("it refers to something that is no storage");
        }
        if (type.Module is not ("torch" or "torch.cuda" or "torch.storage") || !Storages.TryGetValue(type.Name, out TorchType elements))
        {
            return new PickleOpaque(type);
        }
        if (id is [_, _, _, _, _, not null])
        {
            throw new FormatException($"storage {key} is a view of another one, as PyTorch before 0.4 wrote it");
        }
        var storage = new TorchStorage(key, elements, Number(id[4]));
        if (storage.Count < 0 || storage.Count > long.MaxValue / 16)
        {
            throw new FormatException($"storage {key} has {storage.Count} elements");
        }
        if (!_storages.TryGetValue(key, out TorchStorage? known)) return _storages[key] = storage;
        return known == storage ? known : throw new FormatException($"storage {key} is described twice, and differently");
    }

    private static object? Rebuild(PickleGlobal function, PickleTuple arguments) => function.Name switch
    {
        // A storage of an unknown class makes a tensor of an unknown class.
        "_rebuild_tensor" or "_rebuild_tensor_v2" or "_rebuild_tensor_v3" when arguments is [PickleOpaque storage, ..] => storage,
        // (storage, offset, sizes, strides), then what is of no use here: requires_grad, hooks, metadata.
        "_rebuild_tensor" or "_rebuild_tensor_v2" when arguments.Count >= 4 => Tensor(arguments, Storage(arguments)),
        // (storage of bytes, offset, sizes, strides, requires_grad, hooks, type, metadata)
        "_rebuild_tensor_v3" when arguments.Count >= 7 && arguments[6] is PickleGlobal type =>
            Types.TryGetValue(type.Name, out TorchType known) ? Tensor(arguments, Storage(arguments).Of(known)) : new PickleOpaque(type),
        "_rebuild_parameter" or "_rebuild_parameter_with_state" when arguments.Count >= 1 => arguments[0],
        _ => new PickleOpaque(function),
    };

    private static TorchTensor Tensor(PickleTuple arguments, TorchStorage storage) =>
        new(storage, Number(arguments[1]), Numbers(arguments[2]), Numbers(arguments[3]));

    private static TorchStorage Storage(PickleTuple arguments) =>
        arguments[0] as TorchStorage ?? throw new FormatException("a tensor is made of what is no storage");

    private static long Number(object? value) => value is long number ? number : throw new FormatException("a number is missing");

    private static long[] Numbers(object? value) =>
        value is PickleTuple tuple ? [.. tuple.Select(Number)] : throw new FormatException("a tensor's sizes are missing");
}
