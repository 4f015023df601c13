using System.Text;
using Spos.Cli.Options;

namespace Spos.Cli.Nni;

/// <summary>
/// The command that NNI runs for a trial, "python tester.py --imagenet-dir …": its options are those of spos search. As with
/// Python's argparse they may be shortened as long as they are told apart. "spos search …" is read too.
/// </summary>
internal static class TrialCommand
{
    private const string Flag = "spos-preprocessing", Unused = "log-frequency";

    private static readonly string[] Paths = ["imagenet-dir", "checkpoint", "flops-table"];

    // Those of tester.py, then those that spos search has besides.
    private static readonly string[] Known =
        [.. Paths, Flag, "seed", "workers", "train-batch-size", "train-iters", "test-batch-size", Unused, "select-on", "held-out", "device", "threads", "plan"];

    /// <summary>The options of a command; a value is null where the option takes none.</summary>
    /// <param name="folder">What relative paths are relative to.</param>
    /// <exception cref="FormatException">It is another command, or has an unknown option; the message names it.</exception>
    public static IEnumerable<(string Option, string? Value)> Read(string command, string folder)
    {
        List<string> words = Words(command);
        int first = words is ["spos", "search", ..] ? 2 : words.FindIndex(w => Path.GetFileName(w) == "tester.py") + 1;
        if (first == 0) throw new FormatException($"trial.command '{command}': neither tester.py nor spos search is run.");
        var options = new List<(string, string?)>();
        for (int i = first; i < words.Count; i++)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal)) throw new FormatException($"trial.command: '{words[i]}' is not an option.");
            string[] parts = words[i][2..].Split('=', 2);
            string option = Find(parts[0]);
            if (option == Flag)
            {
                options.Add((option, null));
                continue;
            }
            string value = parts.Length > 1 ? parts[1] : ++i < words.Count ? words[i] : throw new FormatException($"trial.command: --{option} lacks its value.");
            if (option != Unused) options.Add((option, Paths.Contains(option) ? Path.GetFullPath(Path.Combine(folder, value)) : value));
        }
        return options;
    }

    /// <summary>The command that runs with these options.</summary>
    public static string Write(IReadOnlyDictionary<string, string?> options)
    {
        var command = new StringBuilder("spos search");
        foreach (string option in Known.Where(o => o != Unused))
        {
            string? value = options[option];
            if (value == null || (option == Flag && value == "False")) continue;
            if (Paths.Contains(option)) value = Path.GetFullPath(value);
            command.Append($" --{option}{(option == Flag ? "" : $" {Quoted(value)}")}");
        }
        return command.ToString();
    }

    private static string Find(string name)
    {
        string[] matches = Abbreviation.Matches(name, Known);
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw new FormatException($"trial.command: unknown option --{name}; known are {string.Join(", ", Known.Select(k => $"--{k}"))}."),
            _ => throw new FormatException($"trial.command: --{name} could be {string.Join(" or ", matches.Select(m => $"--{m}"))}."),
        };
    }

    private static string Quoted(string value) => value.Length > 0 && !value.Any(c => char.IsWhiteSpace(c) || c is '"' or '\'') ? value : $"\"{value.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    // As a shell divides a command, without its expansions.
    private static List<string> Words(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool inside = false;
        char quote = '\0';
        for (int i = 0; i < command.Length; i++)
        {
            char c = command[i];
            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (inside) words.Add(word.ToString());
                word.Clear();
                inside = false;
                continue;
            }
            inside = true;
            if (c == '\\' && quote != '\'' && i + 1 < command.Length) word.Append(command[++i]);
            else if (quote == '\0' && c is '"' or '\'') quote = c;
            else if (c == quote) quote = '\0';
            else word.Append(c);
        }
        if (quote != '\0') throw new FormatException($"trial.command: a quotation that begins with {quote} does not end.");
        if (inside) words.Add(word.ToString());
        return words;
    }
}
