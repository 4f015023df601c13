using System.Globalization;
using System.Text;
using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>The manual page of spos, in the language of man(7).</summary>
internal static class ManualPage
{
    /// <param name="version">The program's version.</param>
    /// <param name="exitCodes">What the program ends with, and what each code means.</param>
    public static string Of(IReadOnlyList<Type> verbs, string version, IEnumerable<(int Code, string Meaning)> exitCodes)
    {
        var page = new StringBuilder();
        string[] title = HelpPage.Title.Split(": ", 2);
        page.Append(CultureInfo.InvariantCulture, $".TH SPOS 1 \"\" \"spos {Escaped(version)}\" \"User Commands\"\n");
        page.Append(CultureInfo.InvariantCulture, $".SH NAME\nspos \\- {Escaped(title[^1])}\n");
        page.Append(".SH SYNOPSIS\n.B spos\n.I COMMAND\n.RI [ OPTIONS ]\n");
        page.Append(".SH DESCRIPTION\n").Append(Line("Each command has options of its own."));
        page.Append(".SH COMMANDS\n");
        foreach (Type verb in verbs)
        {
            page.Append(CultureInfo.InvariantCulture, $".SS spos {Escaped(DeclaredOption.NameOf(verb))}\n");
            page.Append(Line(HelpPage.DescriptionOf(verb)));
            if (HelpPage.ExampleOf(verb) is var (purpose, command))
            {
                page.Append(CultureInfo.InvariantCulture, $".PP\n{Line($"{purpose}:")}.PP\n.nf\n.RS\n{Line(command)}.RE\n.fi\n");
            }
            foreach (DeclaredOption option in DeclaredOption.Of(verb).OrderBy(o => o.IsOption))
            {
                page.Append(Item(option.Name, HelpPage.DescriptionOf(option)));
            }
        }
        page.Append(".SH OPTIONS OF EVERY COMMAND\n");
        foreach ((string name, string text) in HelpPage.CommonOptions) page.Append(Item(name, text));
        page.Append(".SH EXIT STATUS\n");
        foreach ((int code, string meaning) in exitCodes) page.Append(Item($"{code}", meaning));
        return page.ToString();
    }

    private static string Item(string name, string text) =>
        string.Create(CultureInfo.InvariantCulture, $".TP\n.B {Escaped(name)}\n{Line(text)}");

    // A line that begins with a point or an apostrophe would be a request.
    private static string Line(string text) => $"{(text.StartsWith('.') || text.StartsWith('\'') ? "\\&" : "")}{Escaped(text)}\n";

    private static string Escaped(string text) =>
        text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
}
