using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>How long and how fast a single path is trained.</summary>
internal interface IScratchOptions
{
    const int DefaultEpochs = 240, DefaultBatchSize = 1024;

    [Option("epochs", Default = DefaultEpochs, HelpText = "Passes over the training pictures in a training from scratch.")]
    [InRange(1, 100_000)]
    [Influences(Influence.Kept)]
    int Epochs { get; set; }

    [Option("batch-size", Default = DefaultBatchSize, HelpText = "Pictures a step.")]
    [InRange(2, 65_536)]
    [Influences(Influence.Kept)]
    int BatchSize { get; set; }

    [Option("learning-rate", Default = RecipeOptions.DefaultLearningRate, HelpText = "Learning rate at the start.")]
    [InRange(0, 100, AboveLeast = true, BelowMost = true)]
    [Influences(Influence.Kept)]
    float LearningRate { get; set; }

    [Option("lr-decay", Default = Decay.Linear, HelpText = "How the learning rate falls to 0.")]
    [Influences(Influence.Kept)]
    Decay LrDecay { get; set; }
}
