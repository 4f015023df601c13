using Spos.Cli.Options;
using Spos.Cli.Shells;
using Spos.Runs.Folders;
using Spos.Runs.Reading;

namespace Spos.Cli.OptionGroups;

/// <summary>What a process that goes on with a run of another one is started with.</summary>
internal static class ResumeArguments
{
    /// <summary>
    /// The arguments that go on with a run, by those that it was started with; null if they start none that can go on. Those that would
    /// begin anew are left out, however they are shortened; where a file of options begins anew, nothing goes on by it. What runs several
    /// phases has no option that makes it fail unless there is something to go on with, so that it is looked here.
    /// </summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <param name="folder">Where the run was started: paths among the arguments are relative to it.</param>
    /// <param name="run">The folder of the run that is to go on.</param>
    public static IReadOnlyList<string>? Of(IReadOnlyList<Type> verbs, string folder, IReadOnlyList<string> arguments, string run)
    {
        switch (Read([.. arguments]))
        {
            case IPipelineVerb pipeline:
                return GoesOn([.. pipeline.Commands.Select(command => (command[0], Read(command) as PhaseOptions))]) ? arguments : null;
            case PhaseOptions started:
                string[] kept = started.Restart
                    ? [.. arguments.Where((word, i) => i == 0 || Read(arguments[0], word) is not PhaseOptions { Restart: true })]
                    : [.. arguments];
                string[] all = started.Resume ? kept : [kept[0], $"--{ResumeCommand.Resume}", .. kept[1..]];
                return Read(all) is PhaseOptions { Resume: true, Restart: false } ? all : null;
            default:
                return null;
        }

        // Whether the run is one of the phases, with something to go on from, and those before it are done.
        bool GoesOn((string Command, PhaseOptions? Options)[] phases)
        {
            if (phases.Any(phase => phase.Options is not { Restart: false })) return false;
            foreach ((string command, PhaseOptions? options) in phases)
            {
                RunKind kind = RunKind.All.First(one => one.Command == command);
                if (ContentsOf(Path.GetFullPath(options!.FolderOf(kind), folder)) is not { } contents) return false;
                if (contents.IsAt(run)) return contents.HasStartOf(kind);
                if (!EndedRun.IsIn(contents, kind)) return false;
            }
            return false;
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

    // Null where there is a file, or what may not be looked at.
    private static FolderContents? ContentsOf(string folder)
    {
        try
        {
            return FolderContents.Of(folder);
        }
        catch (Exception error) when (error is UsageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
