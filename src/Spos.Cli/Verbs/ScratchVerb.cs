using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Phase 3: trains one architecture from scratch.</summary>
[Place(4)]
[Verb("scratch", HelpText = "Phase 3: train the architecture that was found from scratch, and evaluate it.")]
[Example("Train the winner of a search on ImageNet", "--architecture runs/search --imagenet-dir /data/imagenet")]
internal sealed class ScratchVerb : NetworkOptions, IScratchOptions, IVerb
{
    [Option("architecture", HelpText =
        "The architecture: a search's folder or a file in it, whose network's sizes and preprocessing count too; "
        + "another file (NNI's JSON, megvii's arch.pkl or a list); or a list such as \"2 1 0 1 …\" (default: "
        + "that of --load-checkpoint, or runs/search/architecture_final.json).")]
    [Input(PathKind.Any, OrArchitecture = true), Influences(Influence.Kept)]
    public string? ArchitectureText { get; set; }

    [Option("load-checkpoint", HelpText =
        "Fine-tune: start from the weights of this checkpoint, or of the newest one of this folder, and take its sizes. "
        + "A single path brings its architecture; of a supernet, the path that --architecture says is inherited. "
        + "For other classes the classifier begins anew (default: from random weights).")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    public string? LoadCheckpoint { get; set; }

    [Option("fixed-arc", HelpText = "The same as --architecture, by its older name (default: what --architecture says).")]
    [Input(PathKind.Any, OrArchitecture = true), Influences(Influence.None)]
    public string? FixedArc { get; set; }

    [Option("val-frequency", Default = 1, HelpText = "Epochs between measurements on val (0: only at the end).")]
    [InRange(0, 100_000), Influences(Influence.Later)]
    public int ValFrequency { get; set; } = 1;

    public float EmaDecay { get; set; }

    public float Mixup { get; set; }

    public float RandomErasing { get; set; }

    public int? TestBatchSize { get; set; }

    public int Epochs { get; set; } = ISinglePathOptions.DefaultEpochs;

    public int BatchSize { get; set; } = ScratchSpec.DefaultBatchSize;

    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    public int Run()
    {
        var spec = new ScratchSpec
        {
            Setup = Shared(Training(RunKind.Scratch, Epochs, BatchSize, LearningRate, LrDecay, ((IScratchOptions)this).Change)),
            Sizes = Sizes,
            Architecture = FixedArc ?? ArchitectureText,
            ArchitectureOption = FixedArc == null ? "architecture" : "fixed-arc",
            LoadCheckpoint = LoadCheckpoint,
            EmaDecay = EmaDecay,
            ValFrequency = ValFrequency,
            TestBatchSize = TestBatchSize,
        };
        if (Watch(RunKind.Scratch, context => ScratchTraining.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        if (!SharedProcesses.TellsResults) return ExitCode.Success;
        ResultTable.Print(
            result.IsFineTuned ? "Fine-tuned" : "Trained from scratch",
            ("architecture", $"{result.Architecture}"),
            ("FLOPs", CostMeasure.Flops.NumberOf(result.Flops)),
            ("top-1 on val", $"{result.Accuracy.Top1:0.00%}"),
            ("top-5 on val", $"{result.Accuracy.Top5:0.00%}"),
            ("weights", result.LastTop1 == null ? null : "averaged"),
            ("top-1 of the last ones", result.LastTop1 is { } last ? $"{last:0.00%}" : null),
            ("pictures", $"{result.Pictures}"),
            ("damaged pictures", $"{result.Damage}"),
            ResultTable.RowOfRefused(result.Damage),
            ("checkpoint", result.Checkpoint),
            ("plot", Plots.LossCurve(result.Folder, ScratchTraining.Title, result.Curve) ?? "none"));
        return ExitCode.Success;
    }
}
