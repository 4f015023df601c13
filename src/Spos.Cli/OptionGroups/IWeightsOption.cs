using CommandLine;
using Spos.Runs.Phases;

namespace Spos.Cli.OptionGroups;

/// <summary>Which weights of a trained network are used.</summary>
internal interface IWeightsOption
{
    [Option("weights", Default = WeightKind.Best, HelpText =
        "Which weights: the averaged ones of --ema-decay, those of the last step, or the best of what there is.")]
    WeightKind Weights { get; set; }

    /// <summary>What tables call the weights that were used.</summary>
    static string NameOf(bool averaged) => averaged ? "averaged" : "those of the last step";
}
