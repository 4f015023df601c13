namespace Spos.Cli.Options;

/// <summary>An option, or a word that follows a verb, with the value that it was given.</summary>
/// <param name="Value">Null for a flag.</param>
/// <param name="Source">The file that it comes from; null for the command line.</param>
internal sealed record Given(DeclaredOption Option, string? Value, string? Source)
{
    /// <summary>The option and its value, as messages have them.</summary>
    public string Text => $"{(Source == null ? "" : $"--config {Source}: ")}{string.Join(' ', Words)}";

    private IEnumerable<string> Words =>
        [.. Option.IsOption ? [Option.Name] : Array.Empty<string>(), .. Value == null ? Array.Empty<string>() : [Shown.Value(Value)]];
}
