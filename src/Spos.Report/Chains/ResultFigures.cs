using System.Text.Json;

namespace Spos.Report.Chains;

/// <summary>result.json of a run, of which any field may be missing or be of another type.</summary>
internal sealed class ResultFigures(JsonElement? root)
{
    private readonly JsonElement? _root = root is { ValueKind: JsonValueKind.Object } ? root : null;

    /// <summary>Whether there is one.</summary>
    public bool IsThere => _root != null;

    /// <summary>Whether there is one, all of whose numbers are some.</summary>
    public bool IsWhole => _root is { } root && root.EnumerateObject().All(one => IsFinite(one.Value));

    /// <summary>A number; null if there is none.</summary>
    public double? Number(string name) => _root is { } root ? NumberOf(root, name) : null;

    /// <summary>A number from 0 to 1; null if there is none.</summary>
    public double? Share(string name) => Number(name) is >= 0 and <= 1 and var share ? share : null;

    /// <summary>A text; null if there is none.</summary>
    public string? Text(string name)
    {
        try
        {
            return Field(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a character may be escaped in a file.
            return null;
        }
    }

    public bool? Flag(string name) => Field(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>An object; without fields if there is none.</summary>
    public ResultFigures Part(string name) => new(Field(name));

    /// <summary>The objects of a list.</summary>
    public IReadOnlyList<ResultFigures> Parts(string name) => Field(name) is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Select(one => new ResultFigures(one)).Where(one => one.IsThere)]
        : [];

    /// <summary>The numbers of a list; null if there is none, or something else is in it.</summary>
    public double[]? Numbers(string name)
    {
        if (Field(name) is not { ValueKind: JsonValueKind.Array } list) return null;
        double?[] numbers = [.. list.EnumerateArray().Select(NumberOf)];
        return numbers.Contains(null) ? null : [.. numbers.OfType<double>()];
    }

    /// <summary>A value with its interval; null if one of the three is missing.</summary>
    public (double Value, double Low, double High)? Estimate(string name) =>
        Numbers(name) is [var value, var low, var high] ? (value, low, high) : null;

    /// <summary>The whole numbers of a list; null if there is none, or something else is in it.</summary>
    public int[]? Choices(string name) => Numbers(name) is { } numbers && numbers.All(one => one is >= 0 and < 1000 && one % 1 == 0)
        ? [.. numbers.Select(one => (int)one)]
        : null;

    private static double? NumberOf(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) ? NumberOf(value) : null;

    private static double? NumberOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;

    private static bool IsFinite(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => NumberOf(value) != null,
        JsonValueKind.Array => value.EnumerateArray().All(IsFinite),
        JsonValueKind.Object => value.EnumerateObject().All(field => IsFinite(field.Value)),
        _ => true,
    };

    private JsonElement? Field(string name) => _root is { } root && root.TryGetProperty(name, out JsonElement value) ? value : null;
}
