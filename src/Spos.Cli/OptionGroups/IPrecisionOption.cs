using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>What networks compute in.</summary>
internal interface IPrecisionOption
{
    [Option("precision", Default = Precision.Fp32, HelpText =
        "What training, recalibration and inference compute in: fp32, or bf16, which needs --plan fused (activations, their gradients "
        + "and the operands of products are rounded to bf16; sums are fp32, and so are the weights that checkpoints hold).")]
    [Influences(Influence.Kept)]
    Precision Precision { get; set; }
}
