using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;

namespace Spos.Runs.Reading;

/// <summary>run.json, as far as those need it who show runs.</summary>
internal sealed record RecordedRun(
    [property: JsonPropertyName("command"), JsonRequired] string Command,
    Dictionary<string, string?> Options,
    [property: JsonPropertyName("device_name")] string? DeviceName,
    [property: JsonPropertyName("threads")] JsonElement Threads,
    [property: JsonPropertyName("network")] JsonElement Network,
    [property: JsonPropertyName("started")] string? Started)
{
    /// <summary>By name, without dashes. A file that was edited may have null in their place.</summary>
    [JsonPropertyName("options"), JsonRequired]
    public Dictionary<string, string?> Options { get; init; } = Options ?? [];

    /// <summary>What a block of the network is chosen from, by number; none where this version does not know it.</summary>
    public string[] Operations()
    {
        if (Network.ValueKind != JsonValueKind.Object) return [];
        string? blocks = Network.TryGetProperty(NetworkFacts.BlocksName, out JsonElement named) && named.ValueKind == JsonValueKind.String
            ? named.GetString()
            : null;
        return [.. BlockSet.Of(blocks)?.Designs.Select(design => design.Name) ?? []];
    }

    /// <summary>The threads of the device; null where they are not told.</summary>
    public int? ThreadCount =>
        Threads.ValueKind == JsonValueKind.Number && Threads.TryGetInt32(out int count) && count > 0 ? count : null;

    /// <summary>The options that were given or have a default, by name.</summary>
    public SortedDictionary<string, string> Given() => new(
        Options.Where(option => option.Value is { Length: > 0 }).ToDictionary(option => option.Key, option => option.Value!),
        StringComparer.Ordinal);

    /// <summary>The value of an option that is a whole number above 0; null if it has none.</summary>
    public long? Number(string option) =>
        Options.GetValueOrDefault(option) is { } text && long.TryParse(text, out long value) && value > 0 ? value : null;

    /// <summary>
    /// Whether a result that was written then is the run's end. A run that goes on writes into its record when it did; a result of before
    /// is then no longer its end.
    /// </summary>
    /// <param name="resultWritten">In UTC.</param>
    public bool IsEndedBy(DateTime resultWritten) =>
        !(DateTimeOffset.TryParse(Started, CultureInfo.InvariantCulture, out DateTimeOffset started)
            && resultWritten < started.UtcDateTime);
}
