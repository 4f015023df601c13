namespace Spos.Cli.Options;

/// <summary>Names may be shortened as long as they are told apart, as Python's argparse has it.</summary>
internal static class Abbreviation
{
    /// <summary>The name itself if it is one, else all that begin with it.</summary>
    public static string[] Matches(string text, IReadOnlyCollection<string> names) =>
        names.Contains(text) ? [text] : [.. names.Where(name => text.Length > 0 && name.StartsWith(text, StringComparison.Ordinal))];
}
