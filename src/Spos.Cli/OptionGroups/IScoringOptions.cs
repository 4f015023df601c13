using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>How paths are scored with a supernet's weights, and which there may be.</summary>
internal interface IScoringOptions : IScoreOptions
{
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
    ScoringSpec Scoring => Scores with
    {
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
