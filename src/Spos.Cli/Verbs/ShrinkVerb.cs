using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Leaves the worst alternatives out of a supernet's search space.</summary>
[Place(11)]
[Verb("shrink", HelpText = "Leave the worst alternatives of blocks out of a trained supernet's search space, by angle or by score.")]
[Example("Leave out the twenty alternatives whose weights have turned the least", "--by angle --drop 20")]
internal sealed class ShrinkVerb : PhaseOptions, IScoringOptions, IVerb
{
    [Option("by", Default = ShrinkBy.Angle, HelpText =
        "What an alternative is worth, as the mean over random paths that have it: angle, how far training has turned the weights of the "
        + "path, for which no pictures are needed; or score, its top-1, as a search scores it.")]
    [Influences(Influence.Kept)]
    public ShrinkBy By { get; set; } = ShrinkBy.Angle;

    [Option("num-paths", Default = 1000, HelpText = "Random paths, all different.")]
    [InRange(2, 1_000_000), Influences(Influence.Later)]
    public int NumPaths { get; set; } = 1000;

    [Option("drop", HelpText =
        "Leave out so many alternatives in all, the worst of whatever block; no block loses its last (default: --keep says it).")]
    [InRange(1, 1_000_000), Influences(Influence.Later)]
    public int? Drop { get; set; }

    [Option("keep", HelpText =
        "Leave each block the best so many operations, and channel scales where it has such, and leave out the rest (default: --drop "
        + "says it).")]
    [InRange(1, 1000), Influences(Influence.Later)]
    public int? Keep { get; set; }

    [Option("initial", HelpText =
        "For angles, the checkpoint that the supernet's training began from, or its folder (default: what its --load-checkpoint was; "
        + "without one the random weights are made again from its seed).")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    public string? Initial { get; set; }

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoreOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public double? FlopsLimit { get; set; }

    public double? FlopsLb { get; set; }

    public double? ParamsLimit { get; set; }

    public double? ParamsLb { get; set; }

    public double? LatencyLimit { get; set; }

    public double? LatencyLb { get; set; }

    public string? LatencyTablePath { get; set; }

    public string? FlopsTablePath { get; set; }

    public string? SearchSpacePath { get; set; }

    public int Run()
    {
        var spec = new ShrinkSpec
        {
            Setup = Setup(RunKind.Shrink),
            Scoring = ((IScoringOptions)this).Scoring,
            By = By,
            NumPaths = NumPaths,
            Keep = Keep,
            Drop = Drop,
            Initial = Initial,
        };
        if (Watch(RunKind.Shrink, context => SpaceShrinkingRun.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        Show(result, isScale: false);
        if (result.Before.HasScales) Show(result, isScale: true);
        int before = result.Before.Choices.Sum(block => block.Length), after = result.After.Choices.Sum(block => block.Length);
        ResultTable.Print(
            "Search space",
            ("compared by", By == ShrinkBy.Angle ? "mean angle of paths, in degrees" : "mean top-1 of paths"),
            ("paths", $"{result.Paths}"),
            ("left out", $"{result.Dropped.Count}, in brackets above: {before} alternatives become {after}"),
            ("paths of what is left", $"{Shown.Large((double)result.After.Size)} of {Shown.Large((double)result.Before.Size)}"),
            ("pictures", result.Pictures == null ? null : $"{result.Pictures}"),
            ("damaged pictures", result.Damage == null ? null : $"{result.Damage}"),
            ("file", result.SpaceFile));
        return ExitCode.Success;
    }

    private void Show(ShrinkResult result, bool isScale)
    {
        ScoredAlternative[] shown = [.. result.Alternatives.Where(one => one.IsScale == isScale)];
        int[] numbers = [.. shown.Select(one => one.Number).Distinct().Order()];
        // A number can be another operation in another block.
        string NameOf(int number) => string.Join(
            " or ", shown.Where(one => one.Number == number).Select(one => SpaceShrinkingRun.NameOf(result.Before, one)).Distinct());
        Table table = PlainTable.New(["block", .. numbers.Select(NameOf)]);
        foreach (IGrouping<int, ScoredAlternative> block in shown.GroupBy(one => one.Block))
        {
            ILookup<int, ScoredAlternative> own = block.ToLookup(one => one.Number);
            table.AddRow([$"{block.Key}", .. numbers.Select(number => own[number].FirstOrDefault() is { } one ? Cell(one) : "")]);
        }
        PlainTable.Write(table);

        string Cell(ScoredAlternative one)
        {
            string worth = one.Paths == 0 ? "no path"
                : By == ShrinkBy.Angle ? $"{SpaceShrinkingRun.DegreesOf(one):0.000}"
                : $"{one.Score:0.00%}";
            return result.Dropped.Contains(one) ? $"({worth})" : worth;
        }
    }
}
