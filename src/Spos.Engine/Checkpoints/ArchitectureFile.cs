using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// Architectures in files: NNI's one-hot JSON ("LayerChoice1": [false, true, false, false], …), read also with 0 and 1, or
/// as a plain list of numbers.
/// </summary>
public static class ArchitectureFile
{
    /// <summary>What the names of blocks begin with; their numbers follow, from 1.</summary>
    internal const string Prefix = "LayerChoice";

    /// <summary>Writes NNI's one-hot JSON.</summary>
    public static void Write(string path, Architecture architecture)
    {
        var choices = new Dictionary<string, bool[]>();
        for (int i = 0; i < architecture.Blocks.Length; i++)
        {
            int chosen = architecture.Blocks[i];
            choices[$"{Prefix}{i + 1}"] = [.. Enumerable.Range(0, Architecture.Choices).Select(c => c == chosen)];
        }
        JsonFile.Write(path, choices);
    }

    /// <exception cref="FormatException">The file is missing or holds no architecture; the message names it.</exception>
    public static Architecture Read(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            return text.TrimStart().StartsWith('{') ? ParseOneHot(text) : Architecture.Parse(text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            throw new FormatException($"{path}: not an architecture: {error.Message}");
        }
    }

    /// <summary>The number of the block that a field is about, from 1; null if it is about none.</summary>
    internal static int? BlockOf(string field) =>
        field.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(field.AsSpan(Prefix.Length), out int number) && number >= 1 ? number : null;

    private static Architecture ParseOneHot(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        var choices = new SortedDictionary<int, int>();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            int number = BlockOf(property.Name) ?? throw new FormatException($"unknown field '{property.Name}'; fields are {Prefix}1, {Prefix}2, …");
            choices[number] = OneHot(property);
        }
        if (choices.Count == 0 || choices.Keys.Last() != choices.Count) throw new FormatException($"the fields {Prefix}1 to {Prefix}N are not all there.");
        return new Architecture(choices.Values);
    }

    private static int OneHot(JsonProperty property)
    {
        if (property.Value.ValueKind != JsonValueKind.Array || property.Value.GetArrayLength() != Architecture.Choices) throw new FormatException($"{property.Name} is not a list of {Architecture.Choices}.");
        int[] chosen = [.. property.Value.EnumerateArray().Index().Where(p => IsSet(p.Item, property.Name)).Select(p => p.Index)];
        return chosen.Length == 1 ? chosen[0] : throw new FormatException($"{property.Name} chooses {chosen.Length} operations, not one.");
    }

    private static bool IsSet(JsonElement element, string field) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when element.TryGetInt32(out int n) && n is 0 or 1 => element.GetInt32() == 1,
        _ => throw new FormatException($"{field} holds something other than true and false."),
    };
}
