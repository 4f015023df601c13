using System.Text;

namespace Spos.Cli.Nni;

/// <summary>
/// Divides a command into words as a POSIX shell does. What a shell would expand or run is refused, for no shell runs it.
/// </summary>
internal static class ShellWords
{
    private const string Operators = ";&|<>()*?", Expansions = "$`", Escaped = "$`\"\\";

    /// <exception cref="FormatException">A quotation does not end, or the command needs a shell.</exception>
    public static List<string> Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool inside = false;
        char quote = '\0';
        command = command.Trim();
        for (int i = 0; i < command.Length; i++)
        {
            char c = command[i];
            bool last = i + 1 == command.Length;
            if (c == '\\' && quote != '\'' && !last && command[i + 1] == '\n')
            {
                // The command goes on in the next line.
                i++;
                continue;
            }
            if (c == '\n' && quote == '\0')
            {
                throw new FormatException("it is of several lines, of which a shell would make several commands.");
            }
            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (inside) words.Add(word.ToString());
                word.Clear();
                inside = false;
                continue;
            }
            bool home = c == '~' && !inside;
            if ((quote != '\'' && Expansions.Contains(c)) || (quote == '\0' && (Operators.Contains(c) || home)))
            {
                throw new FormatException($"'{c}' is for a shell, and no shell runs it; write the value out, or quote it by '.");
            }
            inside = true;
            // A backslash takes the meaning from what follows, between double quotes from some characters only.
            if (c == '\\' && quote == '\0' && !last) word.Append(command[++i]);
            else if (c == '\\' && quote == '"' && !last && Escaped.Contains(command[i + 1])) word.Append(command[++i]);
            else if (quote == '\0' && c is '"' or '\'') quote = c;
            else if (c == quote) quote = '\0';
            else word.Append(c);
        }
        if (quote != '\0') throw new FormatException($"a quotation that begins with {quote} does not end: {Shown.Value(command)}.");
        if (inside) words.Add(word.ToString());
        return words;
    }
}
