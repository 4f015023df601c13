using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Phase 1: trains the supernet.</summary>
[Place(2)]
[Verb("supernet", HelpText = "Phase 1: train the supernet, a random path (or several) a step.")]
[Example("Train on ImageNet with the official settings", "--imagenet-dir /data/imagenet --workers 8")]
internal sealed class SupernetVerb : NetworkOptions, IVerb
{
    [Option("epochs", Default = 120, HelpText = "Passes over the training pictures.")]
    [InRange(1, 100_000), Influences(Influence.Kept)]
    public int Epochs { get; set; } = 120;

    [Option("batch-size", Default = SupernetSpec.DefaultBatchSize, HelpText = "Pictures a step.")]
    [InRange(2, 65_536), Influences(Influence.Kept)]
    public int BatchSize { get; set; } = SupernetSpec.DefaultBatchSize;

    [Option("learning-rate", Default = TrainingSetup.DefaultLearningRate, HelpText =
        "Learning rate at the start; it falls to 0 linearly, step by step.")]
    [InRange(0, 100, AboveLeast = true, BelowMost = true), Influences(Influence.Kept)]
    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    [Option(KeptOptions.SearchSpaceOption, HelpText =
        "Train only on the alternatives of this file, as spos search-space and spos shrink write it (default: those that "
        + "--load-checkpoint was trained on, else all).")]
    [Input(PathKind.File), Influences(Influence.Kept)]
    public string? SearchSpacePath { get; set; }

    [Option("paths-per-step", Default = 1, HelpText =
        "Paths trained a step. With more than one they share no operation, and their gradients are averaged.")]
    [InRange(1, SupernetSpec.MostPathsPerStep), Influences(Influence.Kept)]
    public int PathsPerStep { get; set; } = 1;

    [Option("sandwich-paths", Default = 0, HelpText =
        "Train by the sandwich rule: each step the widest path of all, this many random ones, and the narrowest of all (0: a random path "
        + "alone).")]
    [InRange(0, SupernetSpec.MostSandwichPaths), Influences(Influence.Kept)]
    public int SandwichPaths { get; set; }

    [Option("distillation", HelpText =
        "How the other paths of the sandwich rule learn from the widest one's guesses instead of labels (default: kl): by the "
        + "Kullback-Leibler divergence, by the adaptive alpha divergence, or not at all.")]
    [Influences(Influence.Kept)]
    public Distillation? Distillation { get; set; }

    [Option("flops-lb", HelpText = "Least FLOPs of a sampled path (default: 290e6 for the official sizes, else none).")]
    [InRange(0, 1e15, Example = "330e6 or 330M"), Influences(Influence.Kept)]
    public double? FlopsLb { get; set; }

    [Option("flops-ub", HelpText = "Most FLOPs of a sampled path (default: 360e6 for the official sizes, else none).")]
    [InRange(0, 1e15, Example = "330e6 or 330M"), Influences(Influence.Kept)]
    public double? FlopsUb { get; set; }

    [Option("flops-bins", Default = NetworkFlops.OfficialBins, HelpText =
        "Equal parts of the FLOPs window: a step's path is drawn from one of them, each as likely, and in it any path as likely.")]
    [InRange(1, PathSampler.MostBins), Influences(Influence.Kept)]
    public int FlopsBins { get; set; } = NetworkFlops.OfficialBins;

    [Option("scale-warmup-epochs", Default = 0, HelpText =
        "Epochs in which the channel scales of a network that has them are let in one by one, from the widest down. In the meantime paths "
        + "have any FLOPs, and those of a step may share a scale.")]
    [InRange(0, 100_000), Influences(Influence.Kept)]
    public int ScaleWarmupEpochs { get; set; }

    [Option("held-out", Default = 0.05f, HelpText = "Share of the training pictures kept for the search and not trained on.")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    public float HeldOut { get; set; } = 0.05f;

    [Option("random-paths", Default = 32, HelpText =
        "Random paths that are measured on val at the end, to show what the supernet has learnt.")]
    [InRange(1, 100_000), Influences(Influence.Later)]
    public int RandomPaths { get; set; } = 32;

    [Option("load-checkpoint", HelpText =
        "Start from the weights of this checkpoint, or of the newest one of this folder, with a fresh schedule (default: "
        + "from random weights).")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    public string? LoadCheckpoint { get; set; }

    public int Run()
    {
        var spec = new SupernetSpec
        {
            Setup = Shared(Training(RunKind.Supernet, Epochs, BatchSize, LearningRate, Decay.Linear)),
            Sizes = Sizes,
            SearchSpace = SearchSpacePath,
            PathsPerStep = PathsPerStep,
            SandwichPaths = SandwichPaths,
            Distillation = Distillation,
            FlopsLow = FlopsLb,
            FlopsHigh = FlopsUb,
            FlopsBins = FlopsBins,
            ScaleWarmupEpochs = ScaleWarmupEpochs,
            HeldOut = HeldOut,
            RandomPaths = RandomPaths,
            LoadCheckpoint = LoadCheckpoint,
        };
        if (Watch(RunKind.Supernet, context => SupernetTraining.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        if (!SharedProcesses.TellsResults) return ExitCode.Success;
        IReadOnlyList<double> top1 = result.RandomTop1;
        ResultTable.Print(
            "Supernet trained",
            ("random paths", $"{top1.Count}, recalibrated on {result.CalibrationPictures} training pictures"),
            ("top-1 on val, mean", $"{top1.Average():0.0%}"),
            ("top-1 on val, range", $"{top1.Min():0.0%} to {top1.Max():0.0%}"),
            ("pictures", $"{result.Pictures}"),
            ("damaged pictures", $"{result.Damage}"),
            ResultTable.RowOfRefused(result.Damage),
            ("checkpoint", result.Checkpoint),
            ("plot", Plots.LossCurve(result.Folder, SupernetTraining.Title, result.Curve) ?? "none"));
        return ExitCode.Success;
    }
}
