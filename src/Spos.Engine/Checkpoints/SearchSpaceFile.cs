using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// The search space in a file, in NNI's classic format (nni_auto_gen_search_space.json):
/// {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}, …}.
/// </summary>
public static class SearchSpaceFile
{
    private const string Type = "_type", LayerChoice = "layer_choice", Value = "_value";

    /// <summary>Writes the search space of a network.</summary>
    public static void Write(string path, NetworkSpec spec)
    {
        string[] names = [.. Enumerable.Range(0, Architecture.Choices).Select(c => $"{c}")];
        var space = Enumerable.Range(1, spec.Blocks).ToDictionary(
            block => $"{ArchitectureFile.Prefix}{block}",
            _ => new Dictionary<string, object> { [Type] = LayerChoice, [Value] = names });
        JsonFile.Write(path, space);
    }

    /// <summary>Checks that a file's search space is that of a network: choices are known by their number alone.</summary>
    /// <exception cref="FormatException">It is not; the message names the file and the field.</exception>
    public static void Check(string path, NetworkSpec spec)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("it is not an object.");
            var fields = new HashSet<string>();
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                CheckField(field, spec.Blocks);
                fields.Add(field.Name);
            }
            string? missing = Enumerable.Range(1, spec.Blocks).Select(b => $"{ArchitectureFile.Prefix}{b}").FirstOrDefault(name => !fields.Contains(name));
            if (missing != null) throw new FormatException($"{missing} is missing: the supernet has {spec.Blocks} blocks.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            throw new FormatException($"{path}: not this supernet's search space: {error.Message} spos search-space writes it.");
        }
    }

    private static void CheckField(JsonProperty field, int blocks)
    {
        if (!(ArchitectureFile.BlockOf(field.Name) <= blocks)) throw new FormatException($"unknown field '{field.Name}'; fields are {ArchitectureFile.Prefix}1 to {ArchitectureFile.Prefix}{blocks}.");
        if (field.Value.ValueKind != JsonValueKind.Object) throw new FormatException($"{field.Name} is not an object.");
        foreach (JsonProperty part in field.Value.EnumerateObject())
        {
            bool right = part.Name switch
            {
                Type => part.Value.ValueKind == JsonValueKind.String && part.Value.GetString() == LayerChoice,
                Value => part.Value.ValueKind == JsonValueKind.Array && part.Value.GetArrayLength() == Architecture.Choices,
                _ => throw new FormatException($"{field.Name} has the unknown field '{part.Name}'."),
            };
            if (!right) throw new FormatException($"{field.Name}.{part.Name} is not {(part.Name == Type ? LayerChoice : $"a list of {Architecture.Choices}")}.");
        }
        if (!field.Value.TryGetProperty(Type, out _) || !field.Value.TryGetProperty(Value, out _)) throw new FormatException($"{field.Name} lacks {Type} or {Value}.");
    }
}
