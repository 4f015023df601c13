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
    }.ToFrozenDictionary();

    private static readonly FrozenSet<PickleGlobal> Functions =
    [
        new("torch._utils", "_rebuild_tensor"), new("torch._utils", "_rebuild_tensor_v2"), new("torch._utils", "_rebuild_parameter"), new("torch", "Size"),
    ];

    private readonly Dictionary<string, TorchStorage> _storages = [];

    /// <summary>All storages that were named, by key.</summary>
    public IReadOnlyDictionary<string, TorchStorage> All => _storages;

    public override bool Allows(PickleGlobal name) => IsStorage(name) || Functions.Contains(name) || base.Allows(name);

    public override object? Build(PickleGlobal callee, PickleTuple arguments) => callee.Name switch
    {
        // (storage, offset, sizes, strides), then what is of no use here: requires_grad, hooks, metadata.
        "_rebuild_tensor" or "_rebuild_tensor_v2" when arguments.Count >= 4 => new TorchTensor(
            arguments[0] as TorchStorage ?? throw new FormatException("a tensor is made of what is no storage"), Number(arguments[1]), Numbers(arguments[2]), Numbers(arguments[3])),
        "_rebuild_parameter" when arguments.Count >= 1 => arguments[0] as TorchTensor ?? throw new FormatException("a parameter is made of what is no tensor"),
        "Size" when arguments.Count == 1 => arguments[0],
        _ => base.Build(callee, arguments),
    };

    // ("storage", class, key, location, count), in the legacy format with a view after it.
    public override object? Load(object? persistentId)
    {
        if (persistentId is not PickleTuple { Count: 5 or 6 } id || id[0] is not "storage" || id[1] is not PickleGlobal type || !IsStorage(type) || id[2] is not string key)
        {
            // Legacy checkpoints also keep the source code of modules that way.
            throw new FormatException("it refers to something that is no storage");
        }
        if (id is [_, _, _, _, _, not null]) throw new FormatException($"storage {key} is a view of another one, as PyTorch before 0.4 wrote it");
        var storage = new TorchStorage(key, Storages[type.Name], Number(id[4]));
        if (storage.Count < 0 || storage.Count > long.MaxValue / 8) throw new FormatException($"storage {key} has {storage.Count} elements");
        if (!_storages.TryGetValue(key, out TorchStorage? known)) return _storages[key] = storage;
        return known == storage ? known : throw new FormatException($"storage {key} is described twice, and differently");
    }

    private static bool IsStorage(PickleGlobal name) => name.Module is "torch" or "torch.cuda" && Storages.ContainsKey(name.Name);

    private static long Number(object? value) => value is long number ? number : throw new FormatException("a number is missing");

    private static long[] Numbers(object? value) => value is PickleTuple tuple ? [.. tuple.Select(Number)] : throw new FormatException("a tensor's sizes are missing");
}
