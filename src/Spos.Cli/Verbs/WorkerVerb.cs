using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Workers.Joining;

namespace Spos.Cli.Verbs;

/// <summary>Scores candidates for a search that listens.</summary>
[Place(25)]
[Verb("worker", HelpText = "Score candidates for a search on another machine, which listens to workers (spos search --listen).")]
[Example("Score for a search of node1", "--join node1:6781 --secret-file secret --imagenet-dir /data/imagenet")]
internal sealed class WorkerVerb : DataOptions, IScoreOptions, IVerb
{
    [Option("join", HelpText = "Where the search listens (default: must be given).")]
    [Join]
    public string? Join { get; set; }

    [Option("secret-file", HelpText = "The file with the secret that the search has (default: none).")]
    [Input(PathKind.File)]
    public string? SecretFile { get; set; }

    [Option("patience", Default = "10m", HelpText =
        "How long to look for a search that is not there, or no longer, such as 90s, 10m or 12h; then the worker ends.")]
    [Duration]
    public string Patience { get; set; } = "10m";

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoreOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public int Run()
    {
        if (Join == null) throw new UsageException("--join is missing: the address at which spos search --listen is found.");
        var join = new JoinSpec
        {
            Coordinator = Join,
            Secret = SecretFile == null ? null : Options.SecretFile.Read("--secret-file", SecretFile, "a secret"),
            Patience = DurationAttribute.Parse(Patience)!.Value,
        };
        StandardStream.IsOptional = true;
        using var stop = new StopSignal("what is being scored is given back to the search");
        stop.Listen();
        using ScoringWork? work = Open(stop.Token);
        int? scored = work == null ? null : new WorkerClient(join, work, Notice.Say).Run(stop.Token).GetAwaiter().GetResult();
        Notice.Say(scored is { } count ? $"The search is over; this worker has scored {count} candidates." : "Stopped.");
        return scored == null ? ExitCode.Stopped : ExitCode.Success;
    }

    /// <summary>Opens what it scores with; null if it is stopped meanwhile.</summary>
    internal ScoringWork? Open(CancellationToken cancel)
    {
        var spec = new WorkerSpec
        {
            Data = Data,
            Scoring = ((IScoreOptions)this).Scores,
            Computing = (Plan, Precision),
            Options = DeclaredOption.Record(this),
        };
        return ScoringWork.Open(spec, new RunContext(() => OpenDevice(), new RunConsole(), cancel));
    }
}
