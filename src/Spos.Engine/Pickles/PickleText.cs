using System.Globalization;
using System.Text;

namespace Spos.Engine.Pickles;

/// <summary>The texts of protocol 0, which write what does not fit a line as escapes.</summary>
internal static class PickleText
{
    /// <summary>Python's raw-unicode-escape: \uXXXX and \UXXXXXXXX, all else as it is.</summary>
    public static string RawUnicode(string line)
    {
        if (!line.Contains('\\')) return line;
        var text = new StringBuilder(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            int digits = line[i] != '\\' || i + 1 == line.Length ? 0 : line[i + 1] switch { 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                text.Append(line[i]);
                continue;
            }
            Append(text, Hexadecimal(line, i + 2, digits));
            i += 1 + digits;
        }
        return text.ToString();
    }

    /// <summary>A text of Python 2 in quotes, with its escapes.</summary>
    public static string Quoted(string line)
    {
        if (line.Length < 2 || line[0] != line[^1] || line[0] is not ('\'' or '"')) throw new FormatException("a text has no quotes");
        var text = new StringBuilder(line.Length);
        for (int i = 1; i < line.Length - 1; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }
            char code = line[++i];
            if (i == line.Length - 1) throw new FormatException("a text ends in an escape");
            if (code == 'x')
            {
                Append(text, Hexadecimal(line, i + 1, 2));
                i += 2;
                continue;
            }
            text.Append(code switch
            {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '\\' or '\'' or '"' => code,
                _ => throw new FormatException($"a text has the escape \\{code}"),
            });
        }
        return text.ToString();
    }

    private static int Hexadecimal(string line, int at, int digits) =>
        at + digits <= line.Length
        && int.TryParse(line.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            ? code
            : throw new FormatException("an escape is cut off");

    private static void Append(StringBuilder text, int code)
    {
        if (!Rune.IsValid(code))
        {
            // Half of a pair, as Python 2 wrote characters beyond the first plane.
            if (code is < 0 or > char.MaxValue) throw new FormatException("an escape is no character");
            text.Append((char)code);
            return;
        }
        text.Append(new Rune(code));
    }
}
