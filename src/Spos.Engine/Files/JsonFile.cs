using System.Text.Json;

namespace Spos.Engine.Files;

/// <summary>Writes JSON that people read too, and reads what they hand over. A number that is not finite becomes null.</summary>
public static class JsonFile
{
    private static readonly JsonSerializerOptions OfLines = new() { Converters = { new FiniteNumberConverter() } };
    private static readonly JsonSerializerOptions Indented = new(OfLines) { WriteIndented = true };

    /// <summary>
    /// Replaces <paramref name="path"/> by <paramref name="value"/>, whole or not at all, so that people can read it too.
    /// </summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public static void Write<T>(string path, T value) => AtomicFile.WriteText(path, JsonSerializer.Serialize(value, Indented) + "\n");

    /// <summary>Adds <paramref name="value"/> to a file of one object a line.</summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public static void Append<T>(string path, T value) => AtomicFile.Append(path, JsonSerializer.Serialize(value, OfLines) + "\n");

    /// <summary>Parses JSON that may be anything.</summary>
    /// <exception cref="FormatException">It is not JSON, or nested too deeply; the message is short, and tells the place.</exception>
    public static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException error)
        {
            // The place is at the message's end, behind what may be the rest of the file.
            string place = $"from line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} on";
            throw new FormatException($"it is not JSON, {place}: {SmallFile.Excerpt(error.Message)}", error);
        }
    }
}
