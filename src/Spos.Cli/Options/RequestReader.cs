using CommandLine;

namespace Spos.Cli.Options;

/// <summary>
/// Reads command lines: finds the verb, tells options, their values and other words apart, and checks every value by its option's
/// <see cref="ValueRule"/>. What is then handed to CommandLineParser, which makes the verb of it, is of one form and has no mistakes.
/// </summary>
internal sealed class RequestReader(Type verb, IReadOnlyList<DeclaredOption> options, IReadOnlyList<Type> verbs, string? folder)
{
    private const string HelpOption = "--help", VersionOption = "--version", Rest = "--";

    private readonly string _verb = DeclaredOption.NameOf(verb);
    private readonly string[] _names = [.. options.Where(o => o.IsOption).Select(o => o.Name), HelpOption, VersionOption];

    /// <param name="verbs">The program's verbs.</param>
    /// <param name="folder">The folder that paths are relative to; null for the current one.</param>
    /// <exception cref="UsageException">It cannot be done; the message says why.</exception>
    public static Request Read(string[] arguments, IReadOnlyList<Type> verbs, string? folder = null)
    {
        switch (arguments)
        {
            case []:
                return new Request.Help(null, Asked: false);
            case ["--version" or "version", ..]:
                return new Request.Version();
            case ["--help" or "-h" or "help"]:
                return new Request.Help(null, Asked: true);
            case ["--help" or "-h" or "help", string about, ..]:
                return new Request.Help(Find(about, verbs), Asked: true);
            default:
                Type verb = Find(arguments[0], verbs);
                return new RequestReader(verb, DeclaredOption.Of(verb), verbs, folder).Read(arguments[1..]);
        }
    }

    private static Type Find(string name, IReadOnlyList<Type> verbs) =>
        verbs.FirstOrDefault(v => DeclaredOption.NameOf(v) == name)
        ?? throw new UsageException(
            $"Unknown command {Shown.Value(name)}.{Nearest.Hint(name, verbs.Select(DeclaredOption.NameOf))} See spos --help.");

    private Request Read(string[] words)
    {
        // Help is not refused because something else is wrong.
        foreach (string word in words.TakeWhile(w => w != Rest))
        {
            if (word is HelpOption or "-h") return new Request.Help(verb, Asked: true);
            if (word == VersionOption) return new Request.Version();
        }
        var given = new List<Given>();
        bool optionsEnd = false;
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            if (!optionsEnd && word == Rest)
            {
                optionsEnd = true;
                continue;
            }
            if (optionsEnd || word.Length < 2 || word[0] != '-')
            {
                given.Add(new Given(Positional(word, given), word, null));
                continue;
            }
            string[] parts = word.Split('=', 2);
            string name = NameOf(parts[0]);
            if (name == HelpOption) return new Request.Help(verb, Asked: true);
            if (name == VersionOption) return new Request.Version();
            DeclaredOption option = options.First(o => o.Name == name);
            if (option.IsFlag)
            {
                if (parts.Length > 1) throw Usage($"{name} takes no value.");
                // Given twice it says what it says given once.
                if (given.All(g => g.Option != option)) given.Add(new Given(option, null, null));
                continue;
            }
            // What begins with two dashes is the next option; --name=value takes it all the same.
            string? value = parts.Length > 1 ? parts[1] : null;
            if (value == null && i + 1 < words.Length && !words[i + 1].StartsWith(Rest, StringComparison.Ordinal)) value = words[++i];
            given.Add(new Given(option, value ?? throw Usage($"{name} takes a value{Values(option)}."), null));
        }
        if (options.FirstOrDefault(o => !o.IsOption && given.All(g => g.Option != o)) is { } missing)
        {
            throw Usage(missing.IsList || Values(missing).Length == 0
                ? $"Name {missing.Name}: {missing.Help}"
                : $"Say what spos {_verb} is to do{Values(missing)}.");
        }
        RefuseRepeated(given);
        if (folder != null) given = [.. given.Select(g => g.In(folder))];
        string[] typed = [.. given.Where(g => g.Option.Rule is not OptionsFileRule).SelectMany(g => g.Checked(_verb))];
        return new Request.Run(Make([_verb, .. typed, .. Configured(given).SelectMany(g => g.Checked(_verb))]));
    }

    private string NameOf(string typed)
    {
        string[] matches = typed.StartsWith(Rest, StringComparison.Ordinal) ? Abbreviation.Matches(typed, _names) : [];
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw Usage($"Unknown option {Shown.Value(typed)}.{Nearest.Hint(typed, _names)}"),
            _ => throw Usage($"{typed} could be {string.Join(" or ", matches)}."),
        };
    }

    private DeclaredOption Positional(string word, List<Given> given) =>
        options.Where(o => !o.IsOption).FirstOrDefault(o => o.IsList || given.All(g => g.Option != o))
        ?? throw Usage($"{Shown.Value(word)} is not an option of spos {_verb}, and does not follow one.{Nearest.Hint(word, _names)}");

    private void RefuseRepeated(IEnumerable<Given> given)
    {
        foreach (IGrouping<DeclaredOption, Given> same in given.Where(g => g.Value != null && !g.Option.IsList)
            .GroupBy(g => g.Option).Where(g => g.Count() > 1))
        {
            throw Usage($"{same.Key.Name} is given {same.Count()} times: {string.Join(", ", same.Select(g => Shown.Value(g.Value!)))}.");
        }
    }

    // The options of the file that an option names, but for those on the command line, which win.
    private IEnumerable<Given> Configured(List<Given> given)
    {
        if (given.FirstOrDefault(g => g.Option.Rule is OptionsFileRule) is not { } named) return [];
        _ = named.Checked(_verb).Count();
        if (options.All(o => !o.IsOption || o == named.Option))
        {
            throw Usage($"{named.Option.Name}: spos {_verb} has no options that a file could hold.");
        }
        string file = named.Value!;
        Given[] configured =
        [
            .. ((OptionsFileRule)named.Option.Rule!).OptionsOf(file, verb, verbs)
                .Select(setting => setting.Given(options.First(o => o.PlainName == setting.Option), file)),
        ];
        RefuseRepeated(configured);
        return configured.Where(c => given.All(g => g.Option != c.Option)).DistinctBy(c => c.Option);
    }

    private IVerb Make(string[] arguments)
    {
        using var parser = new Parser(settings =>
        {
            settings.HelpWriter = null;
            settings.CaseInsensitiveEnumValues = true;
        });
        return (IVerb)parser.ParseArguments(arguments, verb).MapResult(
            made => made,
            errors => throw new InvalidOperationException(
                $"'{string.Join(' ', arguments)}' was checked, and is not understood: {string.Join(", ", errors.Select(e => e.Tag))}."));
    }

    private static string Values(DeclaredOption option) => option.Rule?.Possible is { Length: > 0 } possible ? $": {possible}" : "";

    private UsageException Usage(string message) => new($"{message} See spos {_verb} --help.");
}
