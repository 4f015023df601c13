using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>How long and how fast a single path is trained.</summary>
internal interface ISinglePathOptions
{
    const int DefaultEpochs = 240;

    [Option("epochs", Default = DefaultEpochs, HelpText = "Passes over the training pictures in a training from scratch.")]
    [InRange(1, 100_000), Influences(Influence.Kept)]
    int Epochs { get; set; }

    [Option("batch-size", Default = ScratchSpec.DefaultBatchSize, HelpText = "Pictures a step.")]
    [InRange(2, 65_536), Influences(Influence.Kept)]
    int BatchSize { get; set; }

    [Option("learning-rate", Default = TrainingSetup.DefaultLearningRate, HelpText = "Learning rate at the start.")]
    [InRange(0, 100, AboveLeast = true, BelowMost = true), Influences(Influence.Kept)]
    float LearningRate { get; set; }

    [Option("lr-decay", Default = Decay.Linear, HelpText = "How the learning rate falls to 0.")]
    [Influences(Influence.Kept)]
    Decay LrDecay { get; set; }
}
