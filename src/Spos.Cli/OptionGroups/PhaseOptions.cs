using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Engine.Ranks;
using Spos.Runs;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of the long-running verbs, which leave a folder of results and can be stopped and resumed.</summary>
internal abstract class PhaseOptions : DataOptions
{
    [Option("output-dir", HelpText =
        "Where checkpoints, logs and plots go (default: runs/ and the name of the command). "
        + "A run that was stopped there goes on, if the options agree.")]
    [Output(PathKind.Folder), Influences(Influence.None)]
    public string? OutputDir { get; set; }

    [Option("resume", Default = false, HelpText = "Fail unless the output folder holds a run to go on with.")]
    [Influences(Influence.None)]
    public bool Resume { get; set; }

    [Option("restart", Default = false, HelpText =
        "Begin anew: remove the checkpoints and logs of the run of this kind that the output folder holds. "
        + "Nothing else there is touched.")]
    [Influences(Influence.None)]
    public bool Restart { get; set; }

    [Option("tb-dir", HelpText = "Where TensorBoard's event files go (default: the output folder).")]
    [Output(PathKind.Folder), Influences(Influence.None)]
    public string? TbDir { get; set; }

    /// <summary>What is asked of the run besides its own options.</summary>
    protected RunSetup Setup(RunKind kind) => new()
    {
        Data = Data,
        Plan = Plan,
        Precision = Precision,
        Folder = FolderOf(kind),
        Resume = Resume,
        Restart = Restart,
        Options = DeclaredOption.Record(this),
    };

    /// <summary>The run's folder.</summary>
    public string FolderOf(RunKind kind) => OutputDir ?? $"runs/{kind.Command}";

    /// <summary>Runs a phase: its progress and messages are shown, TensorBoard's files written, and signals stop it.</summary>
    /// <param name="others">Observers besides.</param>
    /// <returns>What it came to; null if it was stopped.</returns>
    protected T? Watch<T>(RunKind kind, Func<RunContext, T?> phase, params IRunObserver[] others)
        where T : class
    {
        RequireEventFolder(Path.GetFullPath(FolderOf(kind)));
        StandardStream.IsOptional = true;
        using var stop = new StopSignal();
        return Share(Work, stop.Token);

        T? Work(WorkShare share)
        {
            using var events = new EventLog(TbDir);
            IRunObserver observer = share.Ranks.IsFirst
                ? new ObserverList([new RunConsole(stop.Listen), .. others, events])
                : new RankConsole(stop.Listen);
            return phase(share.Context(observer));
        }
    }

    /// <summary>Divides the work among those that do it together: this process alone, unless a verb knows better.</summary>
    /// <param name="asked">Signalled when this process is asked to stop.</param>
    /// <returns>What this process's share, or its first device's, came to.</returns>
    protected virtual T Share<T>(Func<WorkShare, T> work, CancellationToken asked) =>
        work(new WorkShare(OneRank.Alone, () => OpenDevice(), asked));

    private void RequireEventFolder(string output)
    {
        if (TbDir != null && FolderContents.Of(TbDir, "--tb-dir") is var events && events.Folder != output) events.RequireNoRun("events");
    }
}
