using System.Globalization;
using System.Text.Json.Serialization;

namespace Spos.Runs.Reading;

/// <summary>run.json, as far as those need it who show runs.</summary>
internal sealed record RecordedRun(
    [property: JsonPropertyName("command"), JsonRequired] string Command,
    Dictionary<string, string?> Options,
    [property: JsonPropertyName("device_name")] string? DeviceName,
    [property: JsonPropertyName("started")] string? Started)
{
    /// <summary>By name, without dashes. A file that was edited may have null in their place.</summary>
    [JsonPropertyName("options"), JsonRequired]
    public Dictionary<string, string?> Options { get; init; } = Options ?? [];

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
