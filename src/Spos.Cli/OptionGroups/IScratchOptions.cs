using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>A modern recipe for single paths, and how they are measured.</summary>
internal interface IScratchOptions : ISinglePathOptions
{
    [Option("ema-decay", Default = 0f, HelpText =
        "Keep a moving average of the weights with this decay, such as 0.9999, and use it for the result (0: none).")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    float EmaDecay { get; set; }

    [Option("mixup", Default = 0f, HelpText =
        "Mix pictures in pairs, by shares of a beta distribution of this parameter, such as 0.2 (0: do not).")]
    [InRange(0, 100), Influences(Influence.Kept)]
    float Mixup { get; set; }

    [Option("random-erasing", Default = 0f, HelpText = "Probability of erasing a random rectangle of a picture, such as 0.25.")]
    [InRange(0, 1), Influences(Influence.Kept)]
    float RandomErasing { get; set; }

    [Option("test-batch-size", HelpText =
        "Pictures of a batch of val (default: 512, or --batch-size if that is smaller: what could be trained on fits).")]
    [InRange(1, 65_536), Influences(Influence.None)]
    int? TestBatchSize { get; set; }

    /// <summary>Adds what these options ask for to a recipe.</summary>
    TrainingOptions Change(TrainingOptions recipe) =>
        recipe with { Mixup = Mixup, Augmentation = recipe.Augmentation with { Erasing = RandomErasing } };
}
