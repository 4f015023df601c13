using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Workers.Joining;

namespace Spos.Cli.Verbs;

/// <summary>Scores and trains for a run that listens.</summary>
[Place(25)]
[Verb("worker", HelpText =
    "Score and train candidates for a search, rank or front run on another machine, which listens to workers (--listen).")]
[Example("Work for a run of node1", "--join node1:6781 --secret-file secret --imagenet-dir /data/imagenet")]
internal sealed class WorkerVerb : DataOptions, IScoreOptions, IVerb
{
    [Option("join", HelpText = "Where the run listens (default: must be given).")]
    [Join]
    public string? Join { get; set; }

    [Option("secret-file", HelpText = "The file with the secret that the run has (default: none).")]
    [Input(PathKind.File)]
    public string? SecretFile { get; set; }

    [Option("patience", Default = "10m", HelpText =
        "How long to look for a run that is not there, or no longer, such as 90s, 10m or 12h; then the worker ends.")]
    [Duration]
    public string Patience { get; set; } = "10m";

    [Option("output-dir", Default = "runs/worker", HelpText =
        "Where the trainings of a rank or front run have their checkpoints, from which they go on; each has a folder of its own there, "
        + "which is removed once the run has what was trained, or is over.")]
    [Output(PathKind.Folder)]
    public string OutputDir { get; set; } = "runs/worker";

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoreOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public int Run()
    {
        if (Join == null) throw new UsageException("--join is missing: the address at which a run with --listen is found.");
        var join = new JoinSpec
        {
            Coordinator = Join,
            Secret = SecretFile == null ? null : Options.SecretFile.Read("--secret-file", SecretFile, "a secret"),
            Patience = DurationAttribute.Parse(Patience)!.Value,
        };
        StandardStream.IsOptional = true;
        using var stop = new StopSignal("what is being done is given back to the run");
        stop.Listen();
        using PoolWork? work = Open(stop.Token);
        (int Scored, int Trained)? done =
            work == null ? null : new WorkerClient(join, work, Notice.Say).Run(stop.Token).GetAwaiter().GetResult();
        string trained = done is { Trained: > 0 and var count } ? $" and trained {count}" : "";
        Notice.Say(done == null ? "Stopped." : $"The run is over; this worker has scored {done.Value.Scored} candidates{trained}.");
        return done == null ? ExitCode.Stopped : ExitCode.Success;
    }

    /// <summary>Opens what it works with; null if it is stopped meanwhile.</summary>
    internal PoolWork? Open(CancellationToken cancel)
    {
        var spec = new WorkerSpec
        {
            Data = Data,
            Scoring = ((IScoreOptions)this).Scores,
            Computing = (Plan, Precision),
            Options = DeclaredOption.Record(this),
            Folder = OutputDir,
            Trainer = ToldRecipe.Of,
        };
        return PoolWork.Open(spec, new RunContext(() => OpenDevice(), new RunConsole(), cancel));
    }
}
