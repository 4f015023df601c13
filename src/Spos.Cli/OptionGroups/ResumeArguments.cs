using Spos.Cli.Options;
using Spos.Cli.Shells;

namespace Spos.Cli.OptionGroups;

/// <summary>What a process that goes on with a run of another one is started with.</summary>
internal static class ResumeArguments
{
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
        string[] all = started.Resume ? kept : [kept[0], $"--{ResumeCommand.Resume}", .. kept[1..]];
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
}
