using System.Globalization;
using System.Text;

namespace Spos.Cli.Options;

/// <summary>Texts of others as a terminal may show them.</summary>
internal static class Shown
{
    /// <summary>A value in a message: short, of one line, and visible if it is empty.</summary>
    public static string Value(string text)
    {
        const int most = 100;
        if (string.IsNullOrWhiteSpace(text)) return $"'{Line(text)}'";
        return text.Length > most ? $"{Line(text[..most])}…" : Line(text);
    }

    /// <summary>The text with line breaks as blanks, and as codes what else moves, colours or turns round the text of a terminal.</summary>
    public static string Line(string text)
    {
        if (!text.Any(Acts)) return text;
        var line = new StringBuilder();
        foreach (char c in text)
        {
            if (c is '\n' or '\r') line.Append(' ');
            else if (Acts(c)) line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else line.Append(c);
        }
        return line.ToString();
    }

    private static bool Acts(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
