using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Evaluates a checkpoint.</summary>
[Place(8)]
[Verb("eval", HelpText = "Measure a checkpoint's accuracy on val; for a supernet, that of one architecture.")]
[Example("Evaluate what was trained from scratch", "--imagenet-dir /data/imagenet")]
internal sealed class EvalVerb : DataOptions, IWeightsOption, ISharedOptions, IVerb
{
    private const int DefaultImages = 16;

    [Option("checkpoint", Default = "runs/scratch", HelpText = "A checkpoint, or the folder of a run.")]
    [Input(PathKind.Any)]
    public string CheckpointPath { get; set; } = "runs/scratch";

    [Option("architecture", HelpText = "The path of a supernet to evaluate: a file or a list (default: the one that the checkpoint has).")]
    [Input(PathKind.File, OrArchitecture = true)]
    public string? ArchitectureText { get; set; }

    [Option("recalibrate", Default = false, HelpText = "Recalibrate batch norm on training pictures, as a supernet's always is.")]
    [Influences(Influence.Kept)]
    public bool Recalibrate { get; set; }

    [Option("train-iters", Default = 200, HelpText = "Training batches that recalibrate batch norm.")]
    [InRange(1, 100_000), Influences(Influence.Kept)]
    public int TrainIters { get; set; } = 200;

    [Option("train-batch-size", Default = 128, HelpText = "Pictures of a recalibration batch.")]
    [InRange(2, 65_536), Influences(Influence.Kept)]
    public int TrainBatchSize { get; set; } = 128;

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a test batch.")]
    [InRange(1, 65_536), Influences(Influence.Kept)]
    public int TestBatchSize { get; set; } = 512;

    [Option("tb-dir", HelpText =
        "A folder for a TensorBoard event file with what the evaluation comes to, and with pictures that the network is wrong about "
        + "(default: none is written).")]
    [Output(PathKind.Folder), Influences(Influence.Kept)]
    public string? TbDir { get; set; }

    [Option("tb-images", HelpText =
        "How many pictures that file shows: those of the highest loss that are taken for another class, as the network sees them "
        + "(default: 16).")]
    [InRange(0, 1000), Influences(Influence.Kept)]
    public int? TbImages { get; set; }

    public WeightKind Weights { get; set; } = WeightKind.Best;

    public string? Devices { get; set; }

    public int MpiTimeout { get; set; } = ISharedOptions.DefaultTimeout;

    public SharedProcesses Processes { get; } = new();

    public int Run()
    {
        if (TbImages != null && TbDir == null) throw new UsageException("--tb-images needs --tb-dir FOLDER, where the pictures are shown.");
        // A run that is going on writes a file of its own there, which TensorBoard would then no longer follow.
        if (TbDir != null) FolderContents.Of(TbDir, "--tb-dir").RequireNoRun("eval");
        var spec = new EvaluationSpec
        {
            Data = Data,
            Plan = Plan,
            Precision = Precision,
            Checkpoint = CheckpointPath,
            Architecture = ArchitectureText,
            Recalibrate = Recalibrate,
            TrainIters = TrainIters,
            TrainBatchSize = TrainBatchSize,
            TestBatchSize = TestBatchSize,
            Weights = Weights,
            EventFolder = TbDir,
            WrongPictures = TbImages ?? DefaultImages,
            Options = DeclaredOption.Record(this),
        };
        EvaluationResult result = Processes.Work(
            this, "The evaluation ends: run the same command again.", name => OpenDevice(name),
            share => Evaluation.Run(spec, share.Context(share.Ranks.IsFirst ? new RunConsole() : new RankConsole(() => { }))),
            CancellationToken.None);
        if (!SharedProcesses.TellsResults) return ExitCode.Success;
        ResultTable.Print(
            "Evaluation",
            ("checkpoint", result.Checkpoint),
            ("architecture", $"{result.Architecture}"),
            ("weights", IWeightsOption.NameOf(result.IsAveraged)),
            ("batch norm", result.IsRecalibrated ? "recalibrated" : "as it was trained"),
            ("precision", DeclaredOption.TextOf(Precision)!),
            ("FLOPs", CostMeasure.Flops.NumberOf(result.Flops)),
            ("top-1 on val", $"{result.Accuracy.Top1:0.00%}"),
            ("top-5 on val", $"{result.Accuracy.Top5:0.00%}"),
            ("loss", $"{result.Accuracy.Loss:0.0000}"),
            ("pictures", $"{result.Pictures}"),
            ("damaged pictures", $"{result.Damage}"),
            ResultTable.RowOfRefused(result.Damage));
        return ExitCode.Success;
    }
}
