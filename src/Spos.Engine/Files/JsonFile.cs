using System.Text;
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
    public static void Write<T>(string path, T value) => AtomicFile.WriteText(path, TextOf(value));

    /// <summary>What <see cref="Write"/> writes.</summary>
    public static string TextOf<T>(T value) => JsonSerializer.Serialize(value, Indented) + "\n";

    /// <summary>Adds <paramref name="value"/> to a file of one object a line.</summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public static void Append<T>(string path, T value) => AtomicFile.Append(path, JsonSerializer.Serialize(value, OfLines) + "\n");

    /// <summary>Reads what <see cref="Write"/> wrote, and what may lie in its place.</summary>
    /// <param name="mostBytes">A larger file is refused.</param>
    /// <exception cref="FormatException">It holds something else; the message is short, and tells the place.</exception>
    /// <exception cref="UnreadableFileException">It cannot be read, is larger, or is no regular file; the message names it.</exception>
    public static T Read<T>(string path, int mostBytes)
        where T : class => Parse<T>(RegularFile.Read(FilePath.Of(path), mostBytes));

    /// <summary>Reads what has been read of a file.</summary>
    /// <exception cref="FormatException">It is something else; the message is short, and tells the place.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> bytes)
        where T : class
    {
        ReadOnlySpan<byte> text = SmallFile.WithoutMark(bytes);
        try
        {
            return JsonSerializer.Deserialize<T>(text) ?? throw new FormatException("it is empty.");
        }
        catch (JsonException error)
        {
            throw new FormatException($"{Explain(error, Encoding.UTF8.GetString(text))}.", error);
        }
    }

    /// <summary>Parses JSON that may be anything.</summary>
    /// <exception cref="FormatException">
    /// It is not JSON, or nested too deeply, or has texts that are none; the message is short, and tells the place where there is one.
    /// </exception>
    public static JsonDocument Parse(string text)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(text);
            RequireTexts(document.RootElement);
            return document;
        }
        catch (InvalidOperationException error)
        {
            throw new FormatException("it has a text that is not Unicode.", error);
        }
        catch (JsonException error)
        {
            throw new FormatException($"{Explain(error, text)}.", error);
        }
    }

    /// <summary>
    /// Why a text is not the JSON that is wanted, without a full stop, such as "it is not JSON from line 3, column 7 on". Lines and columns
    /// are counted from 1, as editors do.
    /// </summary>
    /// <param name="error">What reading <paramref name="text"/> threw.</param>
    internal static string Explain(JsonException error, string text)
    {
        if (error is not { LineNumber: { } line, BytePositionInLine: { } bytes }) return error.Message.TrimEnd('.');
        string place = $"line {line + 1}, column {ColumnOf(text, line, bytes)}";
        // The reader of syntax has an exception of its own; a value that does not fit is the serializer's.
        bool isSyntax = error.GetType() != typeof(JsonException) || error.InnerException is JsonException;
        if (isSyntax) return $"it is not JSON, or nested too deeply, from {place} on";
        string field = error.Path is { Length: > 2 } path ? path[2..] : "a field";
        return $"{field} is missing or of another type (near {place})";
    }

    // A text may escape half a character, which is refused only when somebody asks for it.
    private static void RequireTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    RequireTexts(property.Value);
                }
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray()) RequireTexts(item);
                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }

    // The byte's character, of a line that is counted from 0.
    private static int ColumnOf(string text, long line, long bytes)
    {
        int start = 0, column = 1;
        for (long i = 0; i < line && start < text.Length; i++)
        {
            int end = text.IndexOf('\n', start);
            start = end < 0 ? text.Length : end + 1;
        }
        foreach (Rune character in text.AsSpan(start).EnumerateRunes())
        {
            bytes -= character.Utf8SequenceLength;
            if (bytes < 0) break;
            column++;
        }
        return column;
    }
}
