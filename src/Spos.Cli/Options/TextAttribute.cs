namespace Spos.Cli.Options;

/// <summary>Any text of one line.</summary>
internal sealed class TextAttribute : ValueRule
{
    public override string Read(string text, Type type) => Checked(text);

    /// <summary>The text, if it is not blank, of one line and not endless.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    internal static string Checked(string text)
    {
        const int most = 4096;
        if (string.IsNullOrWhiteSpace(text)) throw new FormatException("this value is blank.");
        if (text.Length > most) throw new FormatException($"this value has {text.Length} characters; at most {most} are possible.");
        return Shown.HasControls(text) ? throw new FormatException("this value has control characters.") : text;
    }
}
