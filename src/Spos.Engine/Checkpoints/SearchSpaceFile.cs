using System.Text.Json;
using Spos.Engine.Files;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// The search space in a file, in NNI's classic format (nni_auto_gen_search_space.json):
/// {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}, …}, with sorted keys, as NNI v1.9 writes it
/// (nas/pytorch/classic_nas/mutator.py): its tuner draws block by block in the order of the file. With channel scales there is a choice
/// more for each block, named as NNI 3's ShuffleNetSpace names it: {"channel_1": {"_type": "choice", "_value": [6, 12, …]}}.
/// </summary>
public static class SearchSpaceFile
{
    private const string Type = "_type", LayerChoice = "layer_choice", Choice = "choice", Value = "_value";
    private const int MostBytes = 1 << 20;

    /// <summary>Writes the search space of a network.</summary>
    public static void Write(string path, SearchSpace searched)
    {
        var space = new OrderedDictionary<string, OrderedDictionary<string, object>>();
        foreach (Field field in Fields(searched).OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            space.Add(field.Name, new OrderedDictionary<string, object> { [Type] = field.Kind, [Value] = field.Values });
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
            Field[] wanted = [.. Fields(searched)];
            var fields = new HashSet<string>();
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                CheckField(field, wanted);
                if (!fields.Add(field.Name)) throw new FormatException($"{field.Name} is there twice.");
            }
            string? missing = wanted.Select(field => field.Name).FirstOrDefault(name => !fields.Contains(name));
            if (missing != null) throw new FormatException($"{missing} is missing: the supernet has {searched.Blocks.Length} blocks.");
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new FormatException($"{path}: not this supernet's search space: {error.Message} spos search-space writes it.");
        }
    }

    // A list of operations without names is numbered, by text.
    private static IEnumerable<Field> Fields(SearchSpace searched)
    {
        for (int block = 0; block < searched.Blocks.Length; block++)
        {
            int operations = searched.OperationsOf(block);
            yield return new Field(
                NniArchitecture.Name(block), LayerChoice, [.. Enumerable.Range(0, operations).Select(operation => $"{operation}")]);
            if (!searched.HasScales) continue;
            yield return new Field(
                NniArchitecture.ChannelName(block), Choice,
                [.. searched.Blocks[block].Take(ChannelScales.Count).Select(alternative => (object)alternative.Channels)]);
        }
    }

    private static void CheckField(JsonProperty field, Field[] fields)
    {
        if (fields.FirstOrDefault(one => one.Name == field.Name) is not { } wanted)
        {
            throw new FormatException($"unknown field '{Shown.Excerpt(field.Name)}'; fields are {fields[0].Name} to {fields[^1].Name}.");
        }
        if (field.Value.ValueKind != JsonValueKind.Object) throw new FormatException($"{field.Name} is not an object.");
        foreach (JsonProperty part in field.Value.EnumerateObject())
        {
            string text = part.Name switch
            {
                Type => JsonSerializer.Serialize(wanted.Kind),
                Value => $"[{string.Join(", ", wanted.Values.Select(value => JsonSerializer.Serialize(value)))}]",
                _ => throw new FormatException($"{field.Name} has the unknown field '{Shown.Excerpt(part.Name)}'."),
            };
            using JsonDocument right = JsonDocument.Parse(text);
            if (JsonElement.DeepEquals(part.Value, right.RootElement)) continue;
            throw new FormatException($"{field.Name}.{part.Name} is not {text}.");
        }
        if (!field.Value.TryGetProperty(Type, out _) || !field.Value.TryGetProperty(Value, out _))
        {
            throw new FormatException($"{field.Name} lacks {Type} or {Value}.");
        }
    }

    // What is chosen from: texts, or numbers.
    private sealed record Field(string Name, string Kind, object[] Values);
}
