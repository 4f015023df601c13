namespace Spos;

/// <summary>Text in the language of bash, zsh and other shells of the kind of sh.</summary>
public static class ShellText
{
    // What no shell gives a meaning within a word.
    private const string Plain = "_./:=,+@%-";

    /// <summary>As one word, in quotes only where a shell would read it otherwise.</summary>
    public static string Word(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c, StringComparison.Ordinal)) ? text : Quoted(text);

    /// <summary>As one word, whatever the text has: a shell leaves everything between single quotes as it is.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
