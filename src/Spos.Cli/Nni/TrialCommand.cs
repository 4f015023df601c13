using System.Text;
using Spos.Cli.Options;
using Spos.Engine.Data;
using Spos.Runs.Records;

namespace Spos.Cli.Nni;

/// <summary>
/// The command that NNI runs for a trial, "python tester.py --imagenet-dir …" (NNI v1.9, examples/nas/spos/tester.py): its options are
/// those of spos search. They are read as Python's argparse reads them: shortened as long as they are told apart, and the last of several
/// counts. "spos search …" is read too.
/// </summary>
internal static class TrialCommand
{
    private const string Flag = PreprocessingRecord.Option, Unused = "log-frequency", Strategy = "strategy", Front = "nsga2";

    private static readonly string[] Paths = ["imagenet-dir", "checkpoint", "flops-table", "latency-table"];

    private static readonly string[] OfTester =
        ["imagenet-dir", "checkpoint", Flag, "seed", "workers", "train-batch-size", "train-iters", "test-batch-size", Unused];

    // What spos search has besides.
    private static readonly string[] Known =
    [
        .. OfTester, Strategy, CostName.ObjectivesOption, "predictor", "predictor-pool", "flops-lb", "params-limit", "params-lb",
        "latency-limit", "latency-lb", "latency-table", "flops-table", "select-on", "held-out", "device", "threads", "plan", "precision",
    ];

    /// <summary>The options of a command; a value is null where the option takes none.</summary>
    /// <param name="folder">What relative paths are relative to.</param>
    /// <exception cref="FormatException">It is another command, or has an unknown option; the message names it.</exception>
    public static IEnumerable<(string Option, string? Value)> Read(string command, string folder)
    {
        try
        {
            return Parse(ShellWords.Split(command), folder);
        }
        catch (FormatException error)
        {
            throw new FormatException($"trial.command: {error.Message}");
        }
    }

    /// <summary>The command that runs with these options.</summary>
    public static string Write(IReadOnlyDictionary<string, string?> options)
    {
        var command = new StringBuilder("spos search");
        foreach (string option in Known.Where(o => o != Unused))
        {
            string? value = options[option];
            // The other strategies are NNI's, which a configuration tells elsewhere.
            if (option == Strategy && value != Front) continue;
            if (string.IsNullOrEmpty(value) || (option == Flag && PreprocessingRecord.Read(value) == Preprocessing.Standard)) continue;
            if (Paths.Contains(option)) value = Path.GetFullPath(value);
            command.Append($" --{option}{(option == Flag ? "" : $" {ShellText.Word(value)}")}");
        }
        return command.ToString();
    }

    private static IEnumerable<(string Option, string? Value)> Parse(List<string> words, string folder)
    {
        int first = words is ["spos", "search", ..] ? 2 : words.FindIndex(word => Path.GetFileName(word) == "tester.py") + 1;
        if (first == 0) throw new FormatException("neither tester.py nor spos search is run.");
        var options = new Dictionary<string, string?>();
        for (int i = first; i < words.Count; i++)
        {
            if (!IsOption(words[i])) throw new FormatException($"'{Shown.Value(words[i])}' is not an option.");
            string[] parts = words[i][2..].Split('=', 2);
            string option = Find(parts[0]);
            if (option == Flag)
            {
                if (parts.Length > 1) throw new FormatException($"--{option} takes no value.");
                options[option] = null;
                continue;
            }
            string? value = parts.Length > 1 ? parts[1] : i + 1 < words.Count && !IsOption(words[i + 1]) ? words[++i] : null;
            if (string.IsNullOrEmpty(value)) throw new FormatException($"--{option} lacks its value.");
            if (option != Unused) options[option] = Paths.Contains(option) ? Path.GetFullPath(Path.Combine(folder, value)) : value;
        }
        return options.Select(option => (option.Key, option.Value));
    }

    private static bool IsOption(string word) => word.StartsWith("--", StringComparison.Ordinal);

    private static string Find(string name)
    {
        // What tells tester.py's options apart is enough, whatever spos search has besides.
        string[] matches = Abbreviation.Matches(name, OfTester);
        if (matches.Length == 0) matches = Abbreviation.Matches(name, Known);
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw new FormatException($"unknown option --{Shown.Value(name)}; known are --{string.Join(", --", Known)}."),
            _ => throw new FormatException($"--{name} could be --{string.Join(" or --", matches)}."),
        };
    }
}
