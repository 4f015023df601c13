using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>What networks compute in where they are measured.</summary>
internal interface IPrecisionOption
{
    [Option("precision", Default = Precision.Fp32, HelpText =
        "What inference computes in: fp32, or bf16, which needs --plan fused (activations and the operands of products are rounded to "
        + "bf16, sums are fp32). Training and recalibration are in fp32 either way.")]
    [Influences(Influence.Kept)]
    Precision Precision { get; set; }
}
