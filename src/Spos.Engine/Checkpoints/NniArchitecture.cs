using System.Text.Json;
using Spos.Engine.Files;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// Reads an architecture from any of the JSON objects that NNI writes, one field a block. What stands for a choice:
/// <list type="bullet">
/// <item>[false, true, false, false] or [0.0, 1.0, 0.0, 0.0], as NNI 1's tuner and mutators export it (nas/pytorch/fixed.py reads them
/// so, and whole numbers in a list as numbers of choices: [1]);</item>
/// <item>1 or "1", as NNI 1's mutators, NNI 2 and NNI 3 do, and "layerchoice_LayerChoice1_1" as NNI 2's experiments do;</item>
/// <item>{"_value": "1", "_idx": 1}, as NNI 1 hands it to a trial, bare or in the "parameters" of a parameter.cfg.</item>
/// </list>
/// A block is named LayerChoice1, in NNI 3 behind a scope (model/LayerChoice1); labels made automatically are model_1 in NNI 2 and
/// model/1, with any scope, in NNI 3. NNI 3's ShuffleNetSpace (nas/hub/pytorch/shufflenet.py) calls it layer_1, and operations k3, k5, k7
/// and xcep. With channel scales there is a field more for each block, named as there: channel_1, the number of channels inside.
/// </summary>
internal static class NniArchitecture
{
    /// <summary>What the names of blocks begin with; their numbers follow, from 1.</summary>
    public const string Prefix = "LayerChoice";

    private const string AutomaticPrefix = "model_", SpacePrefix = "layer_", ChannelPrefix = "channel_";
    private const string Parameters = "parameters", Value = "_value", Index = "_idx";
    private const int MostDigits = 4;

    // By number.
    private static readonly string[] SpaceNames = ["k3", "k5", "k7", "xcep"];

    /// <summary>The field of a block, which is counted from 0.</summary>
    public static string Name(int block) => $"{Prefix}{block + 1}";

    /// <summary>The field of the channels inside a block, which is counted from 0.</summary>
    public static string ChannelName(int block) => $"{ChannelPrefix}{block + 1}";

    /// <exception cref="FormatException">It is not JSON, or not an architecture; the message names the field.</exception>
    public static Architecture Parse(string text, SearchSpace space)
    {
        using JsonDocument document = JsonFile.Parse(text);
        SortedDictionary<int, int> choices = [], channels = [];
        string? stem = null;
        foreach (JsonProperty field in FieldsOf(document))
        {
            string name = Shown.Excerpt(field.Name);
            if (ChannelBlockOf(field.Name) is { } wide)
            {
                if (!space.HasScales) throw new FormatException($"'{name}' is of a network with channel scales; the network has none.");
                RequireBlock(wide);
                if (!channels.TryAdd(wide, ChannelsIn(field, name))) throw new FormatException($"'{name}' is there twice.");
                continue;
            }
            (string before, int block) = Divide(field.Name)
                ?? throw new FormatException($"unknown field '{name}'; fields are {Prefix}1, {Prefix}2, …");
            if ((stem ??= before) != before)
            {
                throw new FormatException($"'{name}' does not belong with '{Shown.Excerpt(stem)}1': fields are named alike.");
            }
            RequireBlock(block);
            if (!choices.TryAdd(block, new Field(field.Name, name, space.OperationsOf(block - 1)).ChoiceOf(field.Value)))
            {
                throw new FormatException($"'{name}' is there twice.");
            }

            void RequireBlock(int number)
            {
                if (number <= space.Blocks.Length) return;
                throw new FormatException($"'{name}' is of no block: the network has {space.Blocks.Length}.");
            }
        }
        int missing = Enumerable.Range(1, choices.Count + 1).First(block => !choices.ContainsKey(block));
        if (choices.Count == 0 || missing <= choices.Count)
        {
            throw new FormatException($"the field {Shown.Excerpt(stem ?? Prefix)}{missing} is missing.");
        }
        return space.HasScales
            ? new Architecture(choices.Values, [.. choices.Select(choice => ScaleOf(choice.Key - 1, choice.Value, channels, space))])
            : new Architecture(choices.Values);
    }

    /// <summary>Whether some field is about the channels inside a block.</summary>
    /// <exception cref="FormatException">It is not JSON, or has no fields.</exception>
    public static bool NamesChannels(string text)
    {
        using JsonDocument document = JsonFile.Parse(text);
        return FieldsOf(document).Any(field => ChannelBlockOf(field.Name) != null);
    }

    /// <summary>The number of the block whose channels a field is about, from 1; null if it is about none.</summary>
    public static int? ChannelBlockOf(string field) =>
        field.StartsWith(ChannelPrefix, StringComparison.Ordinal)
        && Architecture.ChoiceOf(field[ChannelPrefix.Length..]) is > 0 and var block
            ? block
            : null;

    private static JsonElement.ObjectEnumerator FieldsOf(JsonDocument document)
    {
        JsonElement root = document.RootElement;
        if (root.TryGetProperty(Parameters, out JsonElement parameters)) root = parameters;
        return root.ValueKind == JsonValueKind.Object ? root.EnumerateObject() : throw new FormatException($"{Parameters} has no fields.");
    }

    private static int ChannelsIn(JsonProperty field, string name) =>
        field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetInt32(out int channels)
            ? channels
            : throw new FormatException($"{name} is {Shown.Excerpt(field.Value.GetRawText())}, and not a number of channels.");

    // The first scale that has so many channels: others that have as many, in narrow networks, are the same.
    private static int ScaleOf(int block, int operation, SortedDictionary<int, int> channels, SearchSpace space)
    {
        string name = ChannelName(block);
        if (!channels.TryGetValue(block + 1, out int wanted)) throw new FormatException($"the field {name} is missing.");
        int first = Architecture.ChoiceOf(operation, 0);
        int[] possible = [.. Enumerable.Range(first, ChannelScales.Count).Select(choice => space.Blocks[block][choice].Channels)];
        int scale = Array.IndexOf(possible, wanted);
        return scale >= 0 ? scale : throw new FormatException($"{name} is {wanted}: {string.Join(", ", possible)} are possible.");
    }

    private static (string Stem, int Block)? Divide(string field)
    {
        string stem = field.TrimEnd(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        string digits = field[stem.Length..];
        string last = stem[(stem.LastIndexOf('/') + 1)..];
        bool known = stem is AutomaticPrefix or SpacePrefix || last == Prefix || (last.Length == 0 && stem.Length > 1);
        if (!known || digits.Length is 0 or > MostDigits || digits[0] == '0') return null;
        return (stem, digits.Aggregate(0, (number, digit) => number * 10 + (digit - '0')));
    }

    // A field by its name, as it is shown in messages too, and how many alternatives its block has.
    private sealed record Field(string Name, string ShownName, int Alternatives)
    {
        public int ChoiceOf(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Number => Number(value),
            JsonValueKind.String => Named(value.GetString()!),
            JsonValueKind.Array => Listed(value),
            JsonValueKind.Object => Handed(value),
            _ => throw NoChoice(value.ValueKind.ToString().ToLowerInvariant()),
        };

        private int Number(JsonElement value) =>
            value.TryGetInt32(out int choice) && choice >= 0 && choice < Alternatives
                ? choice
                : throw NoChoice(Shown.Excerpt(value.GetRawText()));

        private int Named(string value)
        {
            string before = $"layerchoice_{Name}_";
            string number = value.StartsWith(before, StringComparison.Ordinal) ? value[before.Length..] : value;
            if (Array.IndexOf(SpaceNames, value) is >= 0 and var named && named < Alternatives) return named;
            return Architecture.ChoiceOf(number) is { } choice && choice < Alternatives
                ? choice
                : throw NoChoice($"'{Shown.Excerpt(value)}'");
        }

        private int Listed(JsonElement list)
        {
            JsonElement[] items = [.. list.EnumerateArray()];
            if (items is [{ ValueKind: JsonValueKind.Number } number] && number.TryGetInt32(out _)) return Number(number);
            if (items is [{ ValueKind: JsonValueKind.String } text]) return Named(text.GetString()!);
            if (items.Length != Alternatives) throw new FormatException($"{ShownName} is a list of {items.Length}, not of {Alternatives}.");
            if (items.All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _) && !IsFloat(item)))
            {
                throw new FormatException(
                    $"{ShownName} is a list of whole numbers, which NNI takes for numbers of choices; write true and false.");
            }
            int[] chosen = [.. items.Index().Where(item => IsSet(item.Item)).Select(item => item.Index)];
            return chosen.Length == 1 ? chosen[0] : throw new FormatException($"{ShownName} chooses {chosen.Length} operations, not one.");
        }

        private bool IsSet(JsonElement item) => item.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number when IsFloat(item) && item.TryGetDouble(out double weight) && weight is 0 or 1 => item.GetDouble() == 1,
            _ => throw new FormatException($"{ShownName} holds something other than true and false."),
        };

        // Python tells 1.0 from 1.
        private static bool IsFloat(JsonElement number) => number.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') >= 0;

        private int Handed(JsonElement pair)
        {
            if (!pair.TryGetProperty(Index, out JsonElement index) || index.ValueKind != JsonValueKind.Number)
            {
                throw new FormatException($"{ShownName} has no number {Index}.");
            }
            int choice = Number(index);
            foreach (JsonProperty part in pair.EnumerateObject().Where(p => p.Name != Index))
            {
                bool agrees = part.Value.ValueKind switch
                {
                    _ when part.Name != Value =>
                        throw new FormatException($"{ShownName} has the unknown field '{Shown.Excerpt(part.Name)}'."),
                    JsonValueKind.Number => Number(part.Value) == choice,
                    JsonValueKind.String => Named(part.Value.GetString()!) == choice,
                    _ => false,
                };
                if (!agrees) throw new FormatException($"{ShownName}: {Value} is not the choice of {Index}, {choice}.");
            }
            return choice;
        }

        private FormatException NoChoice(string what) => new($"{ShownName} is {what}: 0 to {Alternatives - 1} are choices.");
    }
}
