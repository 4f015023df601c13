namespace Spos.Cli.Shells;

/// <summary>Text in the language of bash, zsh and other shells of the kind of sh.</summary>
internal static class ShellText
{
    /// <summary>As one word, whatever the text has: a shell leaves everything between single quotes as it is.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
