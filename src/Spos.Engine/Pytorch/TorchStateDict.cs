using Spos.Engine.Pickles;
using Spos.Space;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The named tensors of a checkpoint, found among what people save beside them, under the official names. What wrappers put into names
/// is taken out wherever it stands: DataParallel's and DistributedDataParallel's "module", torch.compile's "_orig_mod", those of FSDP and
/// of checkpointed activations, and NNI's "choices". What then stands before "first_conv.0.weight", such as the "model" of a Lightning
/// module, is taken off too.
/// </summary>
public sealed class TorchStateDict
{
    // A network's first tensor, by whose name a network is known.
    private const string Anchor = "first_conv.0.weight";

    // Deeper dictionaries are none that hold a network.
    private const int MostDepth = 4;

    // Of one dictionary.
    private const int MostNetworks = 64;

    // Of a text, and of entries, that a message tells.
    private const int MostText = 40, MostEntries = 8;

    // Where programs keep a network's tensors; of several the first one is taken.
    private static readonly string[] UsualKeys =
    [
        "state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights", "params", "model_ema", "state_dict_ema",
        "ema",
    ];

    private static readonly string[] Wrappers = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "choices"];

    // thop leaves these in every module that it has counted.
    private static readonly string[] Counters = ["total_ops", "total_params"];

    private TorchStateDict()
    {
    }

    /// <summary>Where in the file, by keys with dots between; empty if the saved object itself is the dictionary.</summary>
    public required string Name { get; init; }

    /// <summary>By their official names, in the order of the file.</summary>
    public required IReadOnlyDictionary<string, TorchTensor> Tensors { get; init; }

    /// <summary>The names of the other dictionaries of tensors.</summary>
    public required IReadOnlyList<string> Others { get; init; }

    /// <summary>What the file holds besides, and what it is in a few words.</summary>
    public required IReadOnlyList<(string Name, string What)> PassedOver { get; init; }

    /// <summary>The tensors of the dictionary that <see cref="Find"/> finds.</summary>
    /// <exception cref="TorchCheckpointException">There is none, or it is not clear which.</exception>
    public static IReadOnlyDictionary<string, TorchTensor> Of(TorchCheckpoint checkpoint, string path) => Find(checkpoint, path).Tensors;

    /// <summary>
    /// Finds a network's dictionary: the only one with the network's names, or the first under <see cref="UsualKeys"/>, or the saved
    /// object itself. In a file with no such names it is the largest one.
    /// </summary>
    /// <param name="key">The <see cref="Name"/> of the wanted one; null to choose.</param>
    /// <exception cref="TorchCheckpointException">There is none, or it is not clear which.</exception>
    public static TorchStateDict Find(TorchCheckpoint checkpoint, string path, string? key = null)
    {
        List<Candidate> found = [.. DictionariesIn(checkpoint.Root).SelectMany(Candidates)];
        bool official = found.Any(c => c.IsOfficial);
        if (!official && ModelIn(checkpoint.Root) is { } model)
        {
            const string WhatToDo = "load it there with torch.load, and save model.state_dict() with torch.save";
            throw new TorchCheckpointException(
                $"{path} holds a whole model, {model}, which only Python can unpack that has its code: {WhatToDo}.");
        }
        if (found.Count == 0) throw new TorchCheckpointException($"{path} holds no tensors by name: it holds {Contents(checkpoint.Root)}.");
        Candidate chosen = Choose(found, official, path, key);
        var tensors = new Dictionary<string, TorchTensor>(StringComparer.Ordinal);
        foreach ((string name, TorchTensor tensor) in chosen.Tensors)
        {
            if (!tensors.TryAdd(name, tensor)) throw new TorchCheckpointException($"{path} has two tensors for {name}.");
        }
        return new TorchStateDict
        {
            Name = chosen.Name,
            Tensors = tensors,
            Others = [.. found.Where(c => c != chosen && c.IsOfficial == official).Select(c => c.Name)],
            PassedOver = [.. PassedOverIn(checkpoint.Root, found, chosen)],
        };
    }

    private static Candidate Choose(List<Candidate> found, bool official, string path, string? key)
    {
        string list = string.Join(
            ", ", found.Select(c => $"{(c.Name == "" ? "the saved object itself" : c.Name)} ({c.Tensors.Count} tensors)"));
        if (key != null)
        {
            return found.Find(c => c.Name == key)
                ?? throw new TorchCheckpointException($"{path} has no dictionary of tensors named {key} (--key); it has {list}.");
        }
        if (!official) return found.MaxBy(c => c.Tensors.Count)!;
        Candidate[] networks = [.. found.Where(c => c.IsOfficial)];
        return networks.Length == 1 ? networks[0] : networks.Where(c => c.Rank != null).MinBy(c => c.Rank, StringComparer.Ordinal)
            ?? throw new TorchCheckpointException($"{path} holds several networks: {list}. Choose one by --key NAME.");
    }

    // All dictionaries of names, nearest to the root first.
    private static IEnumerable<(string Name, PickleDictionary Entries)> DictionariesIn(object? root)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var queue = new Queue<(string Name, object? Value, int Depth)>([("", root, 0)]);
        while (queue.TryDequeue(out (string Name, object? Value, int Depth) next))
        {
            PickleDictionary? entries = (next.Value as PickleDictionary) ?? (next.Value as PickleOpaque)?.Entries;
            if (entries == null || !seen.Add(entries)) continue;
            yield return (next.Name, entries);
            if (next.Depth == MostDepth) continue;
            foreach ((object key, object? value) in entries)
            {
                if (value is PickleDictionary or PickleOpaque { Entries: not null } && key is string name)
                {
                    queue.Enqueue((Join(next.Name, name), value, next.Depth + 1));
                }
            }
        }
    }

    // A dictionary's tensors, as one network or as several side by side.
    private static IEnumerable<Candidate> Candidates((string Name, PickleDictionary Entries) dictionary)
    {
        (string Name, TorchTensor Tensor)[] tensors =
        [
            .. from entry in dictionary.Entries
               let tensor = entry.Value as TorchTensor
               where tensor != null && entry.Key is string
               let name = Unwrapped((string)entry.Key)
               where !IsCounter(name)
               select (name, tensor),
        ];
        // Longer ones first: "" and "model." are before names that "model.ema." is before, too.
        string[] prefixes =
        [
            .. tensors.Select(t => t.Name).Where(IsAnchor).Select(n => n[..^Anchor.Length]).Distinct().Take(MostNetworks)
                .OrderByDescending(p => p.Length),
        ];
        if (prefixes.Length == 0)
        {
            if (tensors.Length > 0) yield return new Candidate(dictionary.Name, dictionary.Entries, tensors, IsOfficial: false);
            yield break;
        }
        ILookup<string?, (string Name, TorchTensor Tensor)> groups =
            tensors.ToLookup(t => Array.Find(prefixes, p => t.Name.StartsWith(p, StringComparison.Ordinal)));
        foreach (string prefix in prefixes.OrderBy(p => p.Length))
        {
            (string, TorchTensor)[] own = [.. groups[prefix].Select(t => (t.Name[prefix.Length..], t.Tensor))];
            yield return new Candidate(Join(dictionary.Name, prefix.TrimEnd('.')), dictionary.Entries, own, IsOfficial: true)
            {
                Prefix = prefix,
            };
        }
    }

    private static bool IsAnchor(string name) =>
        name.EndsWith(Anchor, StringComparison.Ordinal) && (name.Length == Anchor.Length || name[^(Anchor.Length + 1)] == '.');

    private static string Unwrapped(string name) =>
        Wrappers.Any(w => name.Contains(w, StringComparison.Ordinal))
            ? string.Join('.', name.Split('.').Where(part => !Wrappers.Contains(part)))
            : name;

    private static bool IsCounter(string name) => Counters.Contains(name[(name.LastIndexOf('.') + 1)..]);

    private static string Join(string name, string part) => name == "" || part == "" ? name + part : $"{name}.{part}";

    // What a model is that was saved whole.
    private static string? ModelIn(object? root)
    {
        if (IsModel(root)) return $"{root}";
        if (root is not PickleDictionary entries) return null;
        (object key, object? model) = entries.FirstOrDefault(e => IsModel(e.Value));
        return model == null ? null : $"{model}, under {Text(key)}";
    }

    private static bool IsModel(object? value) =>
        value is PickleOpaque { State: PickleDictionary state } && state.TryGet("_modules", out _) && state.TryGet("_parameters", out _);

    private static string Contents(object? root)
    {
        if (root is not PickleDictionary { Count: > 0 } entries) return Text(root);
        return $"a dict of {Shown.Few([.. entries.Select(e => Text(e.Key))], MostEntries)}";
    }

    private static IEnumerable<(string Name, string What)> PassedOverIn(object? root, List<Candidate> found, Candidate chosen)
    {
        if (root is PickleDictionary top && top != chosen.Entries)
        {
            HashSet<string> ways = [.. found.Select(c => c.Name.Split('.')[0])];
            foreach ((object key, object? value) in top)
            {
                if (!(key is string name && (ways.Contains(name) || name == ExportRecord.TorchKey))) yield return (Key(key), Text(value));
            }
        }
        int counters = 0;
        foreach ((object key, object? value) in chosen.Entries)
        {
            string? name = key is string text ? Unwrapped(text) : null;
            bool isNamed = value is TorchTensor && name != null;
            if (isNamed && IsCounter(name!))
            {
                counters++;
            }
            else if (!isNamed || !name!.StartsWith(chosen.Prefix, StringComparison.Ordinal))
            {
                yield return (Join(chosen.Name, Key(key)), Text(value));
            }
        }
        if (counters > 0) yield return (string.Join(", ", Counters), $"{counters} counters of thop's");
    }

    private static string Key(object key) => key is string name ? name : Text(key);

    private static string Text(object? value) => value switch
    {
        string text => $"'{Shown.Excerpt(text, MostText)}'",
        TorchTensor => $"a tensor {value}",
        _ => Unpickler.Describe(value),
    };

    private sealed record Candidate(
        string Name, PickleDictionary Entries, IReadOnlyList<(string Name, TorchTensor Tensor)> Tensors, bool IsOfficial)
    {
        /// <summary>What stands before its tensors' names in the dictionary, with its dot.</summary>
        public string Prefix { get; init; } = "";

        /// <summary>Smaller for what is more usual; null if its place is not usual.</summary>
        public string? Rank
        {
            get
            {
                int[] ranks = [.. Name.Split('.', StringSplitOptions.RemoveEmptyEntries).Select(part => Array.IndexOf(UsualKeys, part))];
                return ranks.Contains(-1) ? null : string.Concat(ranks.Select(r => (char)('a' + r)));
            }
        }
    }
}
