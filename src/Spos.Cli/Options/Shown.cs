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

    /// <summary>The text with line breaks as blanks and other control characters as codes.</summary>
    public static string Line(string text)
    {
        if (!text.Any(char.IsControl)) return text;
        var line = new StringBuilder();
        foreach (char c in text)
        {
            if (c is '\n' or '\r') line.Append(' ');
            else if (char.IsControl(c)) line.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else line.Append(c);
        }
        return line.ToString();
    }
}
