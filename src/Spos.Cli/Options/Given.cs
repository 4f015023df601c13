namespace Spos.Cli.Options;

/// <summary>An option, or a word that follows a verb, with the value that it was given.</summary>
/// <param name="Value">Null for a flag.</param>
/// <param name="Source">The file that it comes from, and its line; null for the command line.</param>
internal sealed record Given(DeclaredOption Option, string? Value, string? Source)
{
    /// <summary>The option and its value, as messages have them.</summary>
    public string Text => $"{(Source == null ? "" : $"--config {Source}: ")}{string.Join(' ', Words)}";

    private IEnumerable<string> Words =>
        [.. Option.IsOption ? [Option.Name] : Array.Empty<string>(), .. Value == null ? Array.Empty<string>() : [Shown.Value(Value)]];

    /// <summary>The same, with paths that are relative to a folder.</summary>
    public Given In(string folder) => Value != null && Option.Rule is { } rule ? this with { Value = rule.In(folder, Value) } : this;

    /// <summary>The arguments that say it, in the form in which the parser reads any value.</summary>
    /// <param name="verb">The verb's name.</param>
    /// <exception cref="UsageException">The option does not take the value.</exception>
    public IEnumerable<string> Checked(string verb)
    {
        if (Option.Rule is not { } rule) return [Option.Name];
        try
        {
            string value = rule.Read(Value!, Option.Type);
            if (!Option.IsOption) return [value];
            return value[0] == '-' ? [$"{Option.Name}={value}"] : [Option.Name, value];
        }
        catch (FormatException error)
        {
            throw new UsageException($"{(Option.IsOption ? Text : $"spos {verb} {Text}")}: {error.Message}");
        }
    }
}
