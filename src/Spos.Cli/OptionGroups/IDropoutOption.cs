using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>Dropout before the classifier.</summary>
internal interface IDropoutOption
{
    const float Default = 0.1f;

    [Option("dropout", Default = Default, HelpText = "Probability of dropping a feature before the classifier.")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    float Dropout { get; set; }
}
