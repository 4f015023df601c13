using System.Globalization;
using System.Reflection;
using System.Text;
using CommandLine;
using Spos.Cli.Display;

namespace Spos.Cli.Options;

/// <summary>What --help shows, as wide as the terminal.</summary>
internal static class HelpPage
{
    private const string Title = "Spos: Single Path One-Shot neural architecture search";
    private const string Margin = "  ";

    /// <summary>The verbs.</summary>
    public static string OfAll(IReadOnlyList<Type> verbs) => new StringBuilder()
        .AppendLine(Title).AppendLine()
        .Append(Columns([.. verbs.Select(v => (DeclaredOption.NameOf(v), DescriptionOf(v))), ("version", "Show the version.")]))
        .AppendLine()
        .Append("spos COMMAND --help shows a command's options and an example.")
        .ToString();

    /// <summary>A verb's example and options.</summary>
    public static string Of(Type verb)
    {
        var page = new StringBuilder().AppendLine(Title).AppendLine();
        string name = DeclaredOption.NameOf(verb), text = $"spos {name}: {DescriptionOf(verb)}";
        foreach (string line in Wrapped(text, Width)) page.AppendLine(line);
        if (verb.GetCustomAttribute<ExampleAttribute>() is { } example)
        {
            page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{example.Purpose}:");
            page.AppendLine(CultureInfo.InvariantCulture, $"{Margin}{$"spos {name} {example.Options}".TrimEnd()}");
        }
        page.AppendLine();
        (string, string)[] options =
        [
            .. DeclaredOption.Of(verb).OrderBy(o => o.IsOption).Select(o => (o.Name, Described(o))),
            ("--help", "Show this."),
            ("--version", "Show the version."),
        ];
        return page.Append(Columns(options)).ToString().TrimEnd();
    }

    private static string DescriptionOf(Type verb) => verb.GetCustomAttribute<VerbAttribute>()!.HelpText;

    // Its description, and what it takes.
    private static string Described(DeclaredOption option)
    {
        string[] facts =
        [
            .. option.Rule?.Possible is { Length: > 0 } possible ? [possible] : Array.Empty<string>(),
            .. option.Default is { } value ? [$"default: {value}"] : Array.Empty<string>(),
        ];
        return facts.Length == 0 ? option.Help : $"{option.Help} ({string.Join("; ", facts)})";
    }

    private static string Columns((string Name, string Text)[] rows)
    {
        int indent = Margin.Length + rows.Max(r => r.Name.Length) + 2;
        var text = new StringBuilder();
        foreach ((string name, string description) in rows)
        {
            string left = Margin + name;
            foreach (string line in Wrapped(description, Width - indent))
            {
                text.Append(left.PadRight(indent)).AppendLine(line);
                left = "";
            }
        }
        return text.ToString();
    }

    private static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = new StringBuilder();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            line.Append(line.Length > 0 ? " " : "").Append(word);
        }
        yield return line.ToString();
    }

    // Narrower or wider text is hard to read.
    private static int Width
    {
        get
        {
            const int least = 80, most = 120, ofPipe = 100;
            string? variable = Environment.GetEnvironmentVariable("COLUMNS");
            if (int.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out int columns))
            {
                return Math.Clamp(columns, least, most);
            }
            return !StandardStream.IsTerminal ? ofPipe : Math.Clamp(Console.WindowWidth, least, most);
        }
    }
}
