using Spos.Cli.Options;
using Spos.Report.Chains;
using Spos.Runs.Records;

namespace Spos.Cli.Shells;

/// <summary>The command lines that go on with a run or make it again, from what its record keeps.</summary>
internal static class ResumeCommand
{
    /// <summary>The option that insists on something to go on with.</summary>
    public const string Resume = "resume";

    private const string Folder = "output-dir", Restart = "restart";

    /// <summary>
    /// A command for a shell, with the options that are not at their defaults; null if no verb of this version has such runs, as of a part
    /// of another run, or if the run had an option that the verb does not have.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <param name="kind">The run's command, as run.json has it.</param>
    /// <param name="options">Its options, without dashes, as run.json has them.</param>
    /// <param name="folder">The run's folder, whatever it was called when the run was started.</param>
    public static string? Of(
        IReadOnlyList<Type> verbs, string kind, IReadOnlyDictionary<string, string?> options, string folder) =>
        Line(verbs, kind, options, $"--{Folder}={ShellText.Word(folder)} --{Resume}");

    /// <summary>
    /// What a run was asked for, with the command that makes it again where it was made then; null if no verb of this version has such
    /// runs. The command is null if the run had an option that the verb does not have.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <param name="kind">The run's command, as run.json has it.</param>
    /// <param name="options">Its options, without dashes, as run.json has them.</param>
    public static AskedCommand? Again(IReadOnlyList<Type> verbs, string kind, IReadOnlyDictionary<string, string?> options)
    {
        if (verbs.FirstOrDefault(verb => DeclaredOption.NameOf(verb) == kind) is not { } found) return null;
        Dictionary<string, DeclaredOption> declared = OptionsOf(found);
        string? folder = options.GetValueOrDefault(Folder);
        string? line = Line(verbs, kind, options, string.IsNullOrEmpty(folder) ? "" : $"--{Folder}={ShellText.Word(folder)}");
        return new AskedCommand(line,
        [
            .. from option in options
               let known = declared.GetValueOrDefault(option.Key)
               select new AskedOption(
                   option.Key, option.Value, known?.IsFlag == true ? bool.FalseString : known?.DefaultText,
                   string.IsNullOrEmpty(option.Value) || (known != null && !IsAsked(known, option.Value)),
                   // Of an option that this version does not know it is safer to think that results depend on it.
                   known == null ? Influence.Kept : known.Influence ?? Influence.None),
        ]);
    }

    private static string? Line(
        IReadOnlyList<Type> verbs, string kind, IReadOnlyDictionary<string, string?> options, string folder)
    {
        if (verbs.FirstOrDefault(verb => DeclaredOption.NameOf(verb) == kind) is not { } found) return null;
        Dictionary<string, DeclaredOption> declared = OptionsOf(found);
        if (!declared.ContainsKey(Folder) || options.Keys.Any(name => !declared.ContainsKey(name))) return null;
        IEnumerable<string> asked =
            from option in options
            let name = option.Key
            where name is not (Folder or Restart or Resume) && option.Value is { Length: > 0 } && IsAsked(declared[name], option.Value)
            orderby name
            select declared[name].IsFlag ? $"--{name}" : $"--{name}={ShellText.Word(option.Value!)}";
        return string.Join(' ', new[] { "spos", kind, folder }.Where(word => word.Length > 0).Concat(asked));
    }

    private static Dictionary<string, DeclaredOption> OptionsOf(Type verb) =>
        DeclaredOption.Of(verb).Where(option => option.IsOption).ToDictionary(option => option.PlainName);

    private static bool IsAsked(DeclaredOption option, string value) =>
        option.IsFlag ? value == bool.TrueString : value != option.DefaultText;
}
