using CommandLine;

namespace Spos.Cli.Verbs;

/// <summary>How paths are scored with a supernet's weights.</summary>
internal interface IScoringOptions
{
    /// <summary>The values of --select-on.</summary>
    const string OnHeldOut = "held-out", OnVal = "val";

    [Option("checkpoint", Default = "runs/supernet", HelpText = "The supernet: a checkpoint, or the folder of its run.")]
    string CheckpointPath { get; set; }

    [Option("train-iters", Default = 200, HelpText = "Training batches that recalibrate batch norm for a candidate.")]
    int TrainIters { get; set; }

    [Option("train-batch-size", Default = 128, HelpText = "Pictures of a recalibration batch.")]
    int TrainBatchSize { get; set; }

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a test batch.")]
    int TestBatchSize { get; set; }

    [Option("select-on", Default = OnHeldOut, HelpText = "What candidates are compared on: held-out, the part of train that the supernet was not trained on, or val.")]
    string SelectOn { get; set; }

    [Option("held-out", HelpText = "The share of train that the supernet was not trained on (default: what its checkpoint says).")]
    float? HeldOut { get; set; }

    [Option("flops-limit", HelpText = "Most FLOPs of a candidate (default: 330e6 for the official sizes, else the mean of all paths).")]
    double? FlopsLimit { get; set; }

    [Option("flops-table", HelpText = "Count FLOPs by this table, megvii's op_flops_dict.pkl (default: computed from the shapes).")]
    string? FlopsTablePath { get; set; }
}
