using System.Text.Json;
using Spos.Engine.Files;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// The search space in a file, in NNI's classic format (nni_auto_gen_search_space.json):
/// {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}, …}, with sorted keys, as NNI v1.9 writes it
/// (nas/pytorch/classic_nas/mutator.py): its tuner draws block by block in the order of the file. With channel scales there is a choice
/// more for each block, named as NNI 3's ShuffleNetSpace names it: {"channel_1": {"_type": "choice", "_value": [6, 12, …]}}. A list has
/// what a block is left with: what it lacks is left out of the space.
/// </summary>
public static class SearchSpaceFile
{
    private const string Type = "_type", LayerChoice = "layer_choice", Choice = "choice", Value = "_value";
    private const int MostBytes = 1 << 20;

    /// <summary>Writes the search space of a network: what its blocks are left with.</summary>
    public static void Write(string path, SearchSpace searched)
    {
        var space = new OrderedDictionary<string, OrderedDictionary<string, object>>();
        foreach (Field field in Fields(searched).OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            space.Add(field.Name, new OrderedDictionary<string, object> { [Type] = field.Kind, [Value] = field.Values });
        }
        JsonFile.Write(path, space);
    }

    /// <summary>Reads what a file leaves the blocks of a network with: choices are known by their number alone.</summary>
    /// <param name="whole">The network's, whatever it is left with.</param>
    /// <exception cref="FormatException">It is of another network, or is none; the message names the file and the field.</exception>
    public static SearchSpace Read(string path, SearchSpace whole)
    {
        try
        {
            using JsonDocument document = JsonFile.Parse(SmallFile.ReadText(path, MostBytes));
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("it is not an object.");
            SearchSpace all = whole.With("");
            Field[] fields = [.. Fields(all)];
            var left = new Dictionary<string, int[]>();
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                Field wanted = fields.FirstOrDefault(one => one.Name == field.Name) ?? throw new FormatException(
                    $"unknown field '{Shown.Excerpt(field.Name)}'; fields are {fields[0].Name} to {fields[^1].Name}.");
                if (!left.TryAdd(field.Name, LeftIn(field, wanted))) throw new FormatException($"{field.Name} is there twice.");
            }
            string? missing = fields.Select(field => field.Name).FirstOrDefault(name => !left.ContainsKey(name));
            if (missing != null) throw new FormatException($"{missing} is missing: the network has {all.Blocks.Length} blocks.");
            IEnumerable<int[]> LeftOf(Func<int, string> nameOf) =>
                Enumerable.Range(0, all.Blocks.Length).Select(block => left[nameOf(block)]);
            return all.With(LeftOf(NniArchitecture.Name), all.HasScales ? LeftOf(NniArchitecture.ChannelName) : null);
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new FormatException($"{path}: not a search space of this network: {error.Message} spos search-space writes one.");
        }
    }

    // A list of operations without names is numbered, by text.
    private static IEnumerable<Field> Fields(SearchSpace searched)
    {
        for (int block = 0; block < searched.Blocks.Length; block++)
        {
            yield return new Field(
                NniArchitecture.Name(block), LayerChoice, block, [.. searched.Operations[block].Select(operation => $"{operation}")]);
            if (!searched.HasScales) continue;
            yield return new Field(
                NniArchitecture.ChannelName(block), Choice, block,
                [.. searched.Scales[block].Select(scale => (object)searched.Blocks[block][scale].Channels)]);
        }
    }

    // The numbers of the choices of a field that it leaves.
    private static int[] LeftIn(JsonProperty field, Field wanted)
    {
        if (field.Value.ValueKind != JsonValueKind.Object) throw new FormatException($"{field.Name} is not an object.");
        string? unknown = field.Value.EnumerateObject().Select(part => part.Name).FirstOrDefault(name => name is not (Type or Value));
        if (unknown != null) throw new FormatException($"{field.Name} has the unknown field '{Shown.Excerpt(unknown)}'.");
        if (!field.Value.TryGetProperty(Type, out JsonElement type) || !field.Value.TryGetProperty(Value, out JsonElement values))
        {
            throw new FormatException($"{field.Name} lacks {Type} or {Value}.");
        }
        if (type.ValueKind != JsonValueKind.String || type.GetString() != wanted.Kind)
        {
            throw new FormatException($"{field.Name}.{Type} is not \"{wanted.Kind}\".");
        }
        if (values.ValueKind != JsonValueKind.Array) throw new FormatException($"{field.Name}.{Value} is not a list.");
        if (values.GetArrayLength() == 0)
        {
            string what = wanted.Kind == Choice ? "channel scale" : "alternative";
            throw new FormatException($"{field.Name}.{Value} is empty, so block {wanted.Block} is left without any {what}.");
        }
        // Each is looked for after the one before. Of scales that have as many channels, in narrow networks, it is the first.
        var left = new List<int>();
        foreach (JsonElement value in values.EnumerateArray())
        {
            int next = left.Count == 0 ? 0 : left[^1] + 1;
            int found = Enumerable.Range(next, wanted.Values.Length - next).FirstOrDefault(i => wanted.Is(i, value), -1);
            if (found < 0)
            {
                string all = string.Join(", ", wanted.Values.Select(one => JsonSerializer.Serialize(one)));
                string wrong = Shown.Excerpt(value.GetRawText());
                throw new FormatException(
                    $"{field.Name}.{Value} has {wrong} where it can have some of {all}, in this order, each once.");
            }
            left.Add(found);
        }
        return [.. left];
    }

    // What is chosen from: texts, or numbers.
    private sealed record Field(string Name, string Kind, int Block, object[] Values)
    {
        public bool Is(int choice, JsonElement value) => Values[choice] switch
        {
            int channels => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number == channels,
            object name => value.ValueKind == JsonValueKind.String && value.GetString() == (string)name,
        };
    }
}
