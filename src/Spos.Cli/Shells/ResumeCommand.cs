using Spos.Cli.OptionGroups;
using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>The command line that goes on with a run, from what its record keeps.</summary>
internal static class ResumeCommand
{
    private const string Folder = "output-dir", Restart = "restart", Resume = "resume";

    /// <summary>
    /// A command for a shell, with the options that are not at their defaults; null if no verb of this version has such runs, as of a part
    /// of another run, or if the run had an option that the verb does not have.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <param name="kind">The run's command, as run.json has it.</param>
    /// <param name="options">Its options, without dashes, as run.json has them.</param>
    /// <param name="folder">The run's folder, whatever it was called when the run was started.</param>
    public static string? Of(
        IReadOnlyList<Type> verbs, string kind, IReadOnlyDictionary<string, string?> options, string folder)
    {
        if (verbs.FirstOrDefault(verb => DeclaredOption.NameOf(verb) == kind) is not { } found) return null;
        Dictionary<string, DeclaredOption> declared =
            DeclaredOption.Of(found).Where(option => option.IsOption).ToDictionary(option => option.PlainName);
        if (!declared.ContainsKey(Folder) || options.Keys.Any(name => !declared.ContainsKey(name))) return null;
        return string.Join(' ',
        [
            "spos", kind, $"--{Folder}={Quoted(folder)}", $"--{Resume}",
            .. from option in options
               let name = option.Key
               where name is not (Folder or Restart or Resume) && option.Value is { Length: > 0 } && IsAsked(declared[name], option.Value)
               orderby name
               select declared[name].IsFlag ? $"--{name}" : $"--{name}={Quoted(option.Value!)}",
        ]);
    }

    /// <summary>
    /// The arguments that go on with a run, by those that it was started with; null if they start none that can go on. Those that would
    /// begin anew are left out, however they are shortened.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    public static IReadOnlyList<string>? Of(IReadOnlyList<Type> verbs, IReadOnlyList<string> arguments)
    {
        if (Read(verbs, [.. arguments]) is not { } started) return null;
        string[] kept = started.Restart
            ? [.. arguments.Where((word, i) => i == 0 || Read(verbs, arguments[0], word) is not { Restart: true })]
            : [.. arguments];
        string[] all = started.Resume ? kept : [kept[0], $"--{Resume}", .. kept[1..]];
        return Read(verbs, all) is { Resume: true, Restart: false } ? all : null;
    }

    // What a command line asks for, if it is a run that can go on.
    private static PhaseOptions? Read(IReadOnlyList<Type> verbs, params string[] arguments)
    {
        try
        {
            return RequestReader.Read(arguments, verbs) is Request.Run { Verb: PhaseOptions phase } ? phase : null;
        }
        catch (UsageException)
        {
            return null;
        }
    }

    private static bool IsAsked(DeclaredOption option, string value) =>
        option.IsFlag ? value == bool.TrueString : value != option.DefaultText;

    private static string Quoted(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./,:+=@%".Contains(c, StringComparison.Ordinal)) ? text : ShellText.Quoted(text);
}
