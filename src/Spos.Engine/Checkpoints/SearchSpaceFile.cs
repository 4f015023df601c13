using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// The search space in a file, in NNI's classic format (nni_auto_gen_search_space.json):
/// {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}, …}, with sorted keys, as NNI v1.9 writes it
/// (nas/pytorch/classic_nas/mutator.py): its tuner draws block by block in the order of the file.
/// </summary>
public static class SearchSpaceFile
{
    private const string Type = "_type", LayerChoice = "layer_choice", Value = "_value";
    private const int MostBytes = 1 << 20;

    // A list of operations without names is numbered, by text.
    private static readonly string[] Numbers = [.. Enumerable.Range(0, Architecture.Choices).Select(choice => $"{choice}")];

    /// <summary>Writes the search space of a network.</summary>
    public static void Write(string path, NetworkSpec spec)
    {
        var space = new OrderedDictionary<string, OrderedDictionary<string, object>>();
        foreach (string name in Names(spec).Order(StringComparer.Ordinal))
        {
            space.Add(name, new OrderedDictionary<string, object> { [Type] = LayerChoice, [Value] = Numbers });
        }
        JsonFile.Write(path, space);
    }

    /// <summary>Checks that a file's search space is that of a network: choices are known by their number alone.</summary>
    /// <exception cref="FormatException">It is not; the message names the file and the field.</exception>
    public static void Check(string path, NetworkSpec spec)
    {
        try
        {
            using JsonDocument document = JsonFile.Parse(SmallFile.ReadText(path, MostBytes));
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("it is not an object.");
            var fields = new HashSet<string>();
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                CheckField(field, spec.Blocks);
                if (!fields.Add(field.Name)) throw new FormatException($"{field.Name} is there twice.");
            }
            string? missing = Names(spec).FirstOrDefault(name => !fields.Contains(name));
            if (missing != null) throw new FormatException($"{missing} is missing: the supernet has {spec.Blocks} blocks.");
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new FormatException($"{path}: not this supernet's search space: {error.Message} spos search-space writes it.");
        }
    }

    private static IEnumerable<string> Names(NetworkSpec spec) => Enumerable.Range(0, spec.Blocks).Select(NniArchitecture.Name);

    private static void CheckField(JsonProperty field, int blocks)
    {
        if (!(NniArchitecture.BlockOf(field.Name) <= blocks))
        {
            string first = NniArchitecture.Name(0), last = NniArchitecture.Name(blocks - 1);
            throw new FormatException($"unknown field '{Shown.Excerpt(field.Name)}'; fields are {first} to {last}.");
        }
        if (field.Value.ValueKind != JsonValueKind.Object) throw new FormatException($"{field.Name} is not an object.");
        foreach (JsonProperty part in field.Value.EnumerateObject())
        {
            bool right = part.Name switch
            {
                Type => part.Value.ValueKind == JsonValueKind.String && part.Value.GetString() == LayerChoice,
                Value => part.Value.ValueKind == JsonValueKind.Array && Texts(part.Value).SequenceEqual(Numbers),
                _ => throw new FormatException($"{field.Name} has the unknown field '{Shown.Excerpt(part.Name)}'."),
            };
            string wanted = part.Name == Type ? $"\"{LayerChoice}\"" : $"[\"{string.Join("\", \"", Numbers)}\"]";
            if (!right) throw new FormatException($"{field.Name}.{part.Name} is not {wanted}.");
        }
        if (!field.Value.TryGetProperty(Type, out _) || !field.Value.TryGetProperty(Value, out _)) throw new FormatException($"{field.Name} lacks {Type} or {Value}.");
    }

    private static IEnumerable<string?> Texts(JsonElement list) =>
        list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : null);
}
