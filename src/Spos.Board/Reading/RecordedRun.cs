using System.Text.Json.Serialization;

namespace Spos.Board.Reading;

/// <summary>run.json, as far as the board shows it.</summary>
internal sealed record RecordedRun(
    [property: JsonPropertyName("command"), JsonRequired] string Command,
    [property: JsonPropertyName("options"), JsonRequired] Dictionary<string, string?> Options,
    [property: JsonPropertyName("device_name")] string? DeviceName,
    [property: JsonPropertyName("started")] string? Started)
{
    /// <summary>The value of an option that is a whole number above 0; null if it has none.</summary>
    public long? Number(string option) =>
        Options.GetValueOrDefault(option) is { } text && long.TryParse(text, out long value) && value > 0 ? value : null;
}
