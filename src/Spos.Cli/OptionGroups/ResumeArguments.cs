using Spos.Cli.Options;
using Spos.Cli.Shells;

namespace Spos.Cli.OptionGroups;

/// <summary>What a process that goes on with a run of another one is started with.</summary>
internal static class ResumeArguments
{
    /// <summary>
    /// The arguments that go on with a run, by those that it was started with; null if they start none that can go on. Those that would
    /// begin anew are left out, however they are shortened; where a file of options begins anew, nothing goes on by it.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <param name="folder">Where the run was started: paths among the arguments are relative to it.</param>
    public static IReadOnlyList<string>? Of(IReadOnlyList<Type> verbs, string folder, IReadOnlyList<string> arguments)
    {
        switch (Read([.. arguments]))
        {
            // It has no such options, and goes on anyway.
            case IPipelineVerb pipeline:
                return pipeline.Commands.All(command => Read(command) is PhaseOptions { Restart: false }) ? arguments : null;
            case PhaseOptions started:
                string[] kept = started.Restart
                    ? [.. arguments.Where((word, i) => i == 0 || Read(arguments[0], word) is not PhaseOptions { Restart: true })]
                    : [.. arguments];
                string[] all = started.Resume ? kept : [kept[0], $"--{ResumeCommand.Resume}", .. kept[1..]];
                return Read(all) is PhaseOptions { Resume: true, Restart: false } ? all : null;
            default:
                return null;
        }

        // What a command line asks for; null if that is not understood, or is no work.
        object? Read(params string[] words)
        {
            try
            {
                return RequestReader.Read(words, verbs, folder) is Request.Run { Verb: var verb } ? verb : null;
            }
            catch (UsageException)
            {
                return null;
            }
        }
    }
}
