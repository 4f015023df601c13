using System.Text.RegularExpressions;

namespace Spos.Cli.Configs;

/// <summary>
/// What is wrong with a text that is no YAML, in words for who writes fields and values: a parser tells what it expected, and often where
/// something began rather than where it went wrong.
/// </summary>
internal static partial class YamlMistake
{
    /// <summary>The mistake, with its line.</summary>
    /// <param name="at">The line, counted from 1, that the parser has come to or begun with; null if it does not tell.</param>
    /// <param name="said">What the parser says of it.</param>
    public static string In(string text, long? at, string said)
    {
        string[] lines = text.Split('\n');
        int first = (int)Math.Clamp((at ?? 1) - 1, 0, lines.Length - 1);
        for (int i = first; i < lines.Length; i++)
        {
            if (TabBefore().IsMatch(lines[i])) return $"line {i + 1}: it begins with a tab; fields are moved to the right by blanks alone.";
        }
        // What it has come to may be the end of what began in a line before.
        IEnumerable<int> likely = at == null ? Enumerable.Range(0, lines.Length) : Enumerable.Range(0, first + 1).Reverse();
        foreach (int i in likely.Where(i => HasContent(lines[i])).Take(at == null ? lines.Length : 2))
        {
            if (Wrong(lines[i].Trim()) is { } wrong) return $"line {i + 1}: {wrong}.";
        }
        if (at == null) return "it is not YAML that can be read: something that was opened may not be closed.";
        return FitsBelow([.. lines[..first].Where(HasContent)], lines[first])
            ? $"line {at}: {Shown.Value(said).TrimEnd('.')}."
            : $"line {at}: it does not fit the lines above. Fields of one command stand below each other, with as many blanks before them.";
    }

    // Whether its blanks are those of a line above, or are the first ones below a field without a value.
    private static bool FitsBelow(string[] above, string line)
    {
        if (above.Length == 0) return true;
        int blanks = BlanksBefore(line), before = BlanksBefore(above[^1]);
        return blanks > before
            ? Comment().Replace(above[^1], "").TrimEnd().EndsWith(':')
            : above.Any(one => BlanksBefore(one) == blanks);
    }

    private static int BlanksBefore(string line) => line.Length - line.TrimStart(' ').Length;

    private static bool HasContent(string line) => line.TrimStart() is { Length: > 0 } content && content[0] != '#';

    // Of one line alone; null if nothing.
    private static string? Wrong(string line)
    {
        if (line.StartsWith("- ", StringComparison.Ordinal)) return null;
        Match field = Field().Match(line);
        // In quotes a # begins no comment.
        if (!(field.Success && field.Groups["value"].Value is ['"' or '\'', ..] && !Comment().IsMatch(field.Groups["name"].Value)))
        {
            field = Field().Match(Comment().Replace(line, "").TrimEnd());
        }
        if (!field.Success) return "a field is its name, a colon, a blank and its value";
        string value = field.Groups["value"].Value.Trim();
        if (value.Length == 0) return null;
        char begin = value[0];
        if ("@`%".Contains(begin, StringComparison.Ordinal)) return $"a value that begins with {begin} is not read: put it in quotes";
        if (UnknownCode().IsMatch(value)) return "in double quotes \\ begins a code: use single quotes";
        return begin switch
        {
            '"' or '\'' => value.IndexOf(begin, 1) < 0 ? "the quote that opens is not closed in this line" : null,
            '[' or '{' => value.Contains(begin == '[' ? ']' : '}') ? null : $"the {begin} that opens is not closed in this line",
            _ => ColonWithin().IsMatch(value) ? "a value with a colon and a blank in it is not read: put it in quotes" : null,
        };
    }

    [GeneratedRegex(@"\A *\t\s*[^\s#]")]
    private static partial Regex TabBefore();

    [GeneratedRegex(@"\A(?<name>""[^""]*""|'[^']*'|[^:]+) *:(?:\s+(?<value>.*))?\z")]
    private static partial Regex Field();

    [GeneratedRegex(@"(?:^|\s)#.*$")]
    private static partial Regex Comment();

    // What YAML has codes for, and what a code is not.
    [GeneratedRegex(@"\A""(?:[^""\\]|\\[0abtnvfre ""/\\N_LPxuU\t])*\\[^0abtnvfre ""/\\N_LPxuU\t]")]
    private static partial Regex UnknownCode();

    [GeneratedRegex(@":(?:\s|\z)")]
    private static partial Regex ColonWithin();
}
