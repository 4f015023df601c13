using System.Text.Json;
using Spos.Engine.Files;
using Spos.Space;

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

    /// <summary>Writes the search space of a network.</summary>
    public static void Write(string path, SearchSpace searched)
    {
        var space = new OrderedDictionary<string, OrderedDictionary<string, object>>();
        foreach ((string name, string[] numbers) in Fields(searched).OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            space.Add(name, new OrderedDictionary<string, object> { [Type] = LayerChoice, [Value] = numbers });
        }
        JsonFile.Write(path, space);
    }

    /// <summary>Checks that a file's search space is that of a network: choices are known by their number alone.</summary>
    /// <exception cref="FormatException">It is not; the message names the file and the field.</exception>
    public static void Check(string path, SearchSpace searched)
    {
        try
        {
            using JsonDocument document = JsonFile.Parse(SmallFile.ReadText(path, MostBytes));
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("it is not an object.");
            (string Name, string[] Numbers)[] wanted = [.. Fields(searched)];
            var fields = new HashSet<string>();
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                CheckField(field, wanted);
                if (!fields.Add(field.Name)) throw new FormatException($"{field.Name} is there twice.");
            }
            string? missing = wanted.Select(field => field.Name).FirstOrDefault(name => !fields.Contains(name));
            if (missing != null) throw new FormatException($"{missing} is missing: the supernet has {wanted.Length} blocks.");
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new FormatException($"{path}: not this supernet's search space: {error.Message} spos search-space writes it.");
        }
    }

    // A list of operations without names is numbered, by text.
    private static IEnumerable<(string Name, string[] Numbers)> Fields(SearchSpace searched) =>
        searched.Blocks.Select((alternatives, block) =>
            (NniArchitecture.Name(block), Enumerable.Range(0, alternatives.Length).Select(choice => $"{choice}").ToArray()));

    private static void CheckField(JsonProperty field, (string Name, string[] Numbers)[] fields)
    {
        if (NniArchitecture.BlockOf(field.Name) is not { } block || block > fields.Length)
        {
            throw new FormatException($"unknown field '{Shown.Excerpt(field.Name)}'; fields are {fields[0].Name} to {fields[^1].Name}.");
        }
        string[] numbers = fields[block - 1].Numbers;
        if (field.Value.ValueKind != JsonValueKind.Object) throw new FormatException($"{field.Name} is not an object.");
        foreach (JsonProperty part in field.Value.EnumerateObject())
        {
            bool right = part.Name switch
            {
                Type => part.Value.ValueKind == JsonValueKind.String && part.Value.GetString() == LayerChoice,
                Value => part.Value.ValueKind == JsonValueKind.Array && Texts(part.Value).SequenceEqual(numbers),
                _ => throw new FormatException($"{field.Name} has the unknown field '{Shown.Excerpt(part.Name)}'."),
            };
            string wanted = part.Name == Type ? $"\"{LayerChoice}\"" : $"[\"{string.Join("\", \"", numbers)}\"]";
            if (!right) throw new FormatException($"{field.Name}.{part.Name} is not {wanted}.");
        }
        if (!field.Value.TryGetProperty(Type, out _) || !field.Value.TryGetProperty(Value, out _))
        {
            throw new FormatException($"{field.Name} lacks {Type} or {Value}.");
        }
    }

    private static IEnumerable<string?> Texts(JsonElement list) =>
        list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : null);
}
