using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>An option of a verb, or a word that follows it, as a shell completes it.</summary>
/// <param name="Name">With its dashes, if it is an option.</param>
/// <param name="Summary">A few words on what it means.</param>
/// <param name="TakesValue">False for a flag.</param>
/// <param name="Words">The values that are offered.</param>
/// <param name="Path">What paths are offered as values; null if none are.</param>
/// <param name="IsList">Whether it is all words that no option takes.</param>
internal sealed record CompletedOption(
    string Name, string Summary, bool TakesValue, IReadOnlyList<string> Words, PathKind? Path, bool IsList)
{
    public bool IsOption => Name.StartsWith('-');

    /// <summary>All that a verb takes.</summary>
    public static IReadOnlyList<CompletedOption> Of(Type verb) =>
    [
        .. DeclaredOption.Of(verb).Select(option => new CompletedOption(
            option.Name, SummaryOf(option.Help), !option.IsFlag, option.Rule?.Words ?? [], (option.Rule as PathRule)?.Kind,
            option.IsList)),
        .. HelpPage.CommonOptions.Select(option => new CompletedOption(option.Name, SummaryOf(option.Text), false, [], null, false)),
    ];

    /// <summary>What a verb does, in a line.</summary>
    public static string SummaryOf(Type verb) => Before(HelpPage.DescriptionOf(verb), ". ", "; ", " (");

    // Shells have one line for it. What an option takes follows a colon, or is in brackets.
    private static string SummaryOf(string help) => Before(help, ". ", "; ", " (", ": ");

    private static string Before(string help, params string[] marks)
    {
        int end = marks.Select(mark => help.IndexOf(mark, StringComparison.Ordinal)).Where(at => at >= 0)
            .DefaultIfEmpty(help.Length).Min();
        return help[..end].TrimEnd('.');
    }
}
