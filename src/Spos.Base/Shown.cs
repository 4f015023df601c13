using System.Globalization;
using System.Text;

namespace Spos;

/// <summary>
/// Texts of others (names, values, what files hold) as messages show them: short, of one line, and of characters that do nothing to
/// a terminal.
/// </summary>
public static class Shown
{
    // Joiners hide in a text without harm: they are parts of scripts and of emoji.
    private const int ZeroWidthNonJoiner = 0x200C, ZeroWidthJoiner = 0x200D;

    private const int MostOfValue = 100, MostOfExcerpt = 60;

    /// <summary>A value: short, of one line, and visible if it is blank.</summary>
    public static string Value(string text)
    {
        string value = Line(Excerpt(text, MostOfValue));
        return string.IsNullOrWhiteSpace(text) ? $"'{value}'" : value;
    }

    /// <summary>The text with line breaks as blanks, and as codes what else moves, colours or turns round the text of a terminal.</summary>
    public static string Line(string text)
    {
        if (!text.EnumerateRunes().Any(Acts)) return text;
        var line = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value is '\n' or '\r') line.Append(' ');
            else if (!Acts(rune)) line.Append(rune.ToString());
            else if (rune.IsBmp) line.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            else line.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
        }
        return line.ToString();
    }

    /// <summary>An amount of memory or of a disk.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1_000_000_000 => $"{bytes / 1e9:0.00} GB",
        >= 1_000_000 => $"{bytes / 1e6:0.0} MB",
        _ => $"{bytes / 1e3:0.0} kB",
    };

    /// <summary>How many there are, of which there may be very many: 1,024, or 1.1×10¹².</summary>
    public static string Large(double count)
    {
        if (!(count >= 1e7)) return count.ToString("N0", CultureInfo.InvariantCulture);
        if (!double.IsFinite(count)) return "more than can be counted";
        // What rounds up to 10 has a digit more.
        int power = (int)Math.Floor(Math.Log10(count) + Math.Log10(10 / 9.95));
        string digits = string.Concat(power.ToString(CultureInfo.InvariantCulture).Select(digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit - '0']));
        return string.Create(CultureInfo.InvariantCulture, $"{count / Math.Pow(10, power):0.0}×10{digits}");
    }

    /// <summary>The beginning of a text, with a mark where more follows.</summary>
    public static string Excerpt(string text, int most = MostOfExcerpt)
    {
        if (text.Length <= most) return text;
        // A character outside of Unicode's first plane is not cut in two.
        return $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]}…";
    }

    /// <summary>The first of several names, and how many there are besides: "a, b and 3 more".</summary>
    public static string Few(IReadOnlyCollection<string> names, int most) =>
        string.Join(", ", names.Take(most)) + (names.Count > most ? $" and {names.Count - most} more" : "");

    /// <summary>Whether a text has control characters, besides those that are named.</summary>
    public static bool HasControls(string text, string besides = "") =>
        text.Any(c => char.IsControl(c) && !besides.Contains(c, StringComparison.Ordinal));

    /// <summary>Whether a character does something to a terminal, or to the direction of writing, instead of being seen.</summary>
    public static bool Acts(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.Format => rune.Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner),
        _ => false,
    };
}
