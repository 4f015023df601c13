using Spos.Cli.Verbs;

namespace Spos.Cli.Runs;

/// <summary>Whether a run may go on with what an earlier one left.</summary>
internal static class OptionCheck
{
    /// <param name="file">What the earlier run left.</param>
    /// <param name="before">The options it was made with, by name.</param>
    /// <param name="now">The options of this run. Names with spaces are not options but facts, such as the number of pictures.</param>
    /// <exception cref="UsageException">They differ; the message names the first that does.</exception>
    public static void Require(string file, IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        // What was asked for explains more than what came of it.
        foreach ((string name, string value) in now.OrderBy(o => IsFact(o.Key)))
        {
            string? old = before.GetValueOrDefault(name);
            if (old == value) continue;
            string option = IsFact(name) ? name : $"--{name}";
            throw new UsageException($"{file} was made with {option} {Shown(old)}, not {Shown(value)}. Give it the same, choose another --output-dir, or begin anew with --restart.");
        }
    }

    private static bool IsFact(string name) => name.Contains(' ', StringComparison.Ordinal);

    private static string Shown(string? value) => string.IsNullOrEmpty(value) ? "(unset)" : value;
}
