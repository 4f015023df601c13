using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>What the score of a path depends on besides the path and the pictures.</summary>
internal interface IScoreOptions
{
    /// <summary>The values of --select-on.</summary>
    const string OnHeldOut = "held-out", OnVal = KeptOptions.SelectOnVal;

    [Option("checkpoint", Default = "runs/supernet", HelpText = "The supernet: a checkpoint, or the folder of its run.")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    string CheckpointPath { get; set; }

    [Option("train-iters", Default = 200, HelpText = "Training batches that recalibrate batch norm for a candidate.")]
    [InRange(1, 100_000), Influences(Influence.Kept)]
    int TrainIters { get; set; }

    [Option("train-batch-size", Default = 128, HelpText = "Pictures of a recalibration batch.")]
    [InRange(2, 65_536), Influences(Influence.Kept)]
    int TrainBatchSize { get; set; }

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a test batch.")]
    [InRange(1, 65_536), Influences(Influence.None)]
    int TestBatchSize { get; set; }

    [Option(KeptOptions.SelectOnOption, Default = OnHeldOut, HelpText =
        "What candidates are compared on: held-out, the part of train that the supernet was not trained on, or val.")]
    [OneOf(OnHeldOut, OnVal), Influences(Influence.Kept)]
    string SelectOn { get; set; }

    [Option("held-out", HelpText = "The share of train that the supernet was not trained on (default: what its checkpoint says).")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    float? HeldOut { get; set; }

    /// <summary>What these options ask for.</summary>
    ScoringSpec Scores => new()
    {
        Checkpoint = CheckpointPath,
        TrainIters = TrainIters,
        TrainBatchSize = TrainBatchSize,
        TestBatchSize = TestBatchSize,
        OnVal = SelectOn == OnVal,
        HeldOut = HeldOut,
    };
}
