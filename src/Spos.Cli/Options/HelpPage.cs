using System.Globalization;
using System.Reflection;
using System.Text;
using CommandLine;
using Spos.Cli.Display;

namespace Spos.Cli.Options;

/// <summary>What --help shows, as wide as the terminal.</summary>
internal static class HelpPage
{
    public const string Title = "Spos: Single Path One-Shot neural architecture search";
    private const string Margin = "  ";

    /// <summary>What every verb takes beside the options that it declares, and what it does.</summary>
    public static IReadOnlyList<(string Name, string Text)> CommonOptions { get; } =
        [("--help", "Show this."), ("--version", "Show the version.")];

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
        foreach (string line in Wrapped($"spos {DeclaredOption.NameOf(verb)}: {DescriptionOf(verb)}", Width)) page.AppendLine(line);
        if (ExampleOf(verb) is var (purpose, command))
        {
            page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{purpose}:");
            page.AppendLine(CultureInfo.InvariantCulture, $"{Margin}{command}");
        }
        page.AppendLine();
        (string, string)[] options =
        [
            .. DeclaredOption.Of(verb).OrderBy(o => o.IsOption).Select(o => (o.Name, DescriptionOf(o))),
            .. CommonOptions,
        ];
        return page.Append(Columns(options)).ToString().TrimEnd();
    }

    /// <summary>What a verb does.</summary>
    public static string DescriptionOf(Type verb) => verb.GetCustomAttribute<VerbAttribute>()!.HelpText;

    /// <summary>A verb's example, as a whole command, and what it is for; null if it has none.</summary>
    public static (string Purpose, string Command)? ExampleOf(Type verb) =>
        verb.GetCustomAttribute<ExampleAttribute>() is { } example
            ? (example.Purpose, $"spos {DeclaredOption.NameOf(verb)} {example.Options}".TrimEnd())
            : null;

    /// <summary>What an option means and takes.</summary>
    public static string DescriptionOf(DeclaredOption option)
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
