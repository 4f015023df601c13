using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>How well the supernet's scores order architectures as training from scratch does.</summary>
[Place(6)]
[Verb("rank", HelpText = "Report how well the supernet's scores rank architectures: train some from scratch and compare.")]
[Example("Compare twenty architectures", "--imagenet-dir /data/imagenet --num-architectures 20")]
internal sealed class RankVerb : RecipeOptions, IScoringOptions, ISinglePathOptions, IVerb
{
    [Option("num-architectures", Default = 16, HelpText = "Random architectures to compare, all different.")]
    [InRange(3, 10_000), Influences(Influence.Kept)]
    public int NumArchitectures { get; set; } = 16;

    [Option("recalibrations", Default = 5, HelpText =
        "Sets of training pictures that each score is repeated with, to see how much it varies.")]
    [InRange(1, 1000), Influences(Influence.Kept)]
    public int Recalibrations { get; set; } = 5;

    public int Epochs { get; set; } = ISinglePathOptions.DefaultEpochs;

    public int BatchSize { get; set; } = ScratchSpec.DefaultBatchSize;

    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoringOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public double? FlopsLimit { get; set; }

    public string? FlopsTablePath { get; set; }

    public int Run()
    {
        var spec = new RankSpec
        {
            Setup = Training(RunKind.Rank, Epochs, BatchSize, LearningRate, LrDecay),
            Scoring = ((IScoringOptions)this).Scoring,
            NumArchitectures = NumArchitectures,
            Recalibrations = Recalibrations,
            TrainingOptions = DeclaredOption.Record(this, typeof(RecipeOptions), typeof(ISinglePathOptions)),
        };
        if (Watch(RunKind.Rank, context => Ranking.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        (double[] scores, double[] standalone) = (result.Scores, result.Standalone);
        Table table = PlainTable.New("architecture", "FLOPs", "top-1 in the supernet", "deviation", "trained from scratch");
        foreach (RankedArchitecture r in result.Architectures.OrderByDescending(r => r.Standalone))
        {
            table.AddRow(
                r.Architecture, $"{r.Flops / 1e6:0.##}M", $"{r.Scores[0]:0.00%}", $"{Ranking.Deviation(r.Scores):0.00%}",
                $"{r.Standalone:0.00%}");
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "Ranking",
            ("architectures", $"{scores.Length}"),
            ("Kendall's tau", Shown(result.Tau, scores)),
            ("Spearman's rho", Shown(result.Rho, scores)),
            (
                "a score's deviation",
                $"{result.ScoreDeviation:0.00%} over {Recalibrations} recalibrations; "
                + $"between architectures {Ranking.Deviation(scores):0.00%}"),
            ("tau of recalibrations", result.Repeatability switch
            {
                null => "unknown",
                double.NaN => "undefined: in a recalibration all scores are equal",
                double tau => $"{tau:0.00}",
            }),
            ("pictures of scores", $"{result.Compared}"),
            ("pictures of val", $"{result.Val}"),
            ("damaged pictures", $"{result.Damage}"),
            ResultTable.RowOfRefused(result.Damage),
            ("figures", result.FiguresFile),
            ("plot", Plots.StandaloneOverScores(result.Folder, scores, standalone)));
        return ExitCode.Success;
    }

    // Where all values are equal nothing is ranked.
    internal static string Shown(Estimate estimate, double[] scores) => double.IsNaN(estimate.Value)
        ? $"undefined: all architectures have the same top-1 {(scores.Distinct().Count() == 1 ? "in the supernet" : "from scratch")}"
        : $"{estimate.Value:0.00} (95% interval {estimate.Low:0.00} to {estimate.High:0.00})";
}
