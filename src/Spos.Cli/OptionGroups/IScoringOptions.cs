using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>How paths are scored with a supernet's weights.</summary>
internal interface IScoringOptions
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

    [Option("flops-limit", HelpText = "Most FLOPs of a candidate (default: 330e6 for the official sizes, else the mean of all paths; for a "
        + "front, and to shrink a space, any).")]
    [InRange(1, 1e15, Example = "330e6 or 330M"), Influences(Influence.Kept)]
    double? FlopsLimit { get; set; }

    [Option("flops-lb", HelpText = "Least FLOPs of a candidate (default: none).")]
    [InRange(1, 1e15, Example = "290e6 or 290M"), Influences(Influence.Kept)]
    double? FlopsLb { get; set; }

    [Option("params-limit", HelpText = "Most parameters of a candidate that is trained from scratch (default: any number).")]
    [InRange(1, 1e15, Example = "3400000 or 3.4M"), Influences(Influence.Kept)]
    double? ParamsLimit { get; set; }

    [Option("params-lb", HelpText = "Least parameters of a candidate that is trained from scratch (default: none).")]
    [InRange(1, 1e15, Example = "3400000 or 3.4M"), Influences(Influence.Kept)]
    double? ParamsLb { get; set; }

    [Option("latency-limit", HelpText = "Longest time that a batch takes a candidate, by --latency-table (default: any).")]
    [Milliseconds, Influences(Influence.Kept)]
    double? LatencyLimit { get; set; }

    [Option("latency-lb", HelpText = "Shortest time that a batch takes a candidate, by --latency-table (default: any).")]
    [Milliseconds, Influences(Influence.Kept)]
    double? LatencyLb { get; set; }

    [Option("latency-table", HelpText = "A table of this network's latencies, as spos latency measure writes it (default: none).")]
    [Input(PathKind.File), Influences(Influence.None)]
    string? LatencyTablePath { get; set; }

    [Option("flops-table", HelpText = "Count FLOPs by this table, megvii's op_flops_dict.pkl (default: computed from the shapes).")]
    [Input(PathKind.File), Influences(Influence.Kept)]
    string? FlopsTablePath { get; set; }

    [Option(KeptOptions.SearchSpaceOption, HelpText =
        "Candidates have only the alternatives of this file, as spos search-space and spos shrink write it, of those that the supernet was "
        + "trained on (default: all of these).")]
    [Input(PathKind.File), Influences(Influence.Kept)]
    string? SearchSpacePath { get; set; }

    /// <summary>What these options ask for.</summary>
    ScoringSpec Scoring => new()
    {
        Checkpoint = CheckpointPath,
        TrainIters = TrainIters,
        TrainBatchSize = TrainBatchSize,
        TestBatchSize = TestBatchSize,
        OnVal = SelectOn == OnVal,
        HeldOut = HeldOut,
        FlopsLimit = FlopsLimit,
        FlopsLeast = FlopsLb,
        ParamsLimit = ParamsLimit,
        ParamsLeast = ParamsLb,
        LatencyLimit = LatencyLimit,
        LatencyLeast = LatencyLb,
        LatencyTable = LatencyTablePath,
        FlopsTable = FlopsTablePath,
        SearchSpace = SearchSpacePath,
    };
}
