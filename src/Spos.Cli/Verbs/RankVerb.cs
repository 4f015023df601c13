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
[Place(10)]
[Verb("rank", HelpText = "Report how well the supernet's scores rank architectures: train some from scratch and compare.")]
[Example("Compare twenty architectures", "--imagenet-dir /data/imagenet --num-architectures 20 --repeats 2 --flops-bins 5")]
internal sealed class RankVerb : RecipeOptions, IScoringOptions, ISinglePathOptions, IListenOptions, IVerb
{
    [Option("num-architectures", Default = 16, HelpText = "Random architectures to compare, all different.")]
    [InRange(3, 10_000), Influences(Influence.Kept)]
    public int NumArchitectures { get; set; } = 16;

    [Option("recalibrations", Default = 5, HelpText =
        "Sets of training pictures that each score is repeated with, to see how much it varies.")]
    [InRange(1, 1000), Influences(Influence.Kept)]
    public int Recalibrations { get; set; } = 5;

    [Option("repeats", Default = 1, HelpText =
        "Trainings from scratch of each architecture, with --seed and the seeds after it. From 2 on they show how far trainings agree, "
        + "and so what a ranking can come to. A run that is done goes on with more.")]
    [InRange(1, 100), Influences(Influence.Later)]
    public int Repeats { get; set; } = 1;

    [Option("flops-bins", Default = 1, HelpText =
        "Draw architectures in equal numbers from so many equal parts of the range of FLOPs, so that cheap and dear ones are compared too "
        + "(1: each as likely).")]
    [InRange(1, CostParts.MostParts), Influences(Influence.Kept)]
    public int FlopsBins { get; set; } = 1;

    public int Epochs { get; set; } = ISinglePathOptions.DefaultEpochs;

    public int BatchSize { get; set; } = ScratchSpec.DefaultBatchSize;

    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

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

    public string? Listen { get; set; }

    public string? SecretFile { get; set; }

    public bool OnlyWorkers { get; set; }

    public int? AuditEvery { get; set; }

    public int? WorkerTimeout { get; set; }

    public int Run()
    {
        var spec = new RankSpec
        {
            Setup = Training(RunKind.Rank, Epochs, BatchSize, LearningRate, LrDecay),
            Scoring = ((IScoringOptions)this).Scoring,
            NumArchitectures = NumArchitectures,
            Recalibrations = Recalibrations,
            Repeats = Repeats,
            FlopsBins = FlopsBins,
            Pool = ((IListenOptions)this).Pool(Plan),
            TrainingOptions = DeclaredOption.Record(this, typeof(RecipeOptions), typeof(ISinglePathOptions)),
        };
        if (Watch(RunKind.Rank, context => Ranking.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        PrintArchitectures(result);
        (double[] scores, double[] standalone, RankFigures figures) = (result.Scores, result.Standalone, result.Figures);
        ResultTable.Print(
            "Ranking",
            [
                ("architectures", $"{scores.Length}{(FlopsBins > 1 ? $" from {FlopsBins} equal parts of the range of FLOPs" : "")}"),
                ("Kendall's tau", Shown(figures.Tau, scores)),
                ("sparse tau, to 0.1%", Shown(figures.SparseTau, scores)),
                ("Spearman's rho", Shown(figures.Rho, scores)),
                ("tau of FLOPs alone", Shown(figures.FlopsTau, "all architectures have the same FLOPs, or the same top-1 from scratch")),
                ("tau at equal FLOPs", Shown(figures.PartialTau, "with FLOPs held constant nothing is left to compare")),
                (
                    "tau within the parts",
                    figures.TauWithinParts is { } within ? Shown(within, "within each part nothing is ranked") : null),
                .. figures.Regrets.Select(r => (
                    $"regret of the top {r.Top}", (string?)$"{Points(r.Regret)}; picked at random {Points(r.AtRandom)}")),
                .. RowsOfTrainings(figures),
                (
                    "a score's deviation",
                    $"{result.ScoreDeviation:0.00%} over {Recalibrations} recalibrations; "
                    + $"between architectures {Ranking.Deviation(scores):0.00%}"),
                ("tau of recalibrations", result.RecalibrationTau switch
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
                ("plot", Plots.StandaloneOverScores(result.Folder, scores, result.Trainings)),
                ("verdict", $"{result.Verdict}"),
            ]);
        return ExitCode.Success;
    }

    // Where all values are equal nothing is ranked.
    internal static string Shown(Estimate estimate, double[] scores) =>
        Shown(estimate, $"all architectures have the same top-1 {(scores.Distinct().Count() == 1 ? "in the supernet" : "from scratch")}");

    private static string Shown(Estimate estimate, string whyUndefined) => double.IsNaN(estimate.Value)
        ? $"undefined: {whyUndefined}"
        : $"{estimate.Value:0.00} (95% interval {estimate.Low:0.00} to {estimate.High:0.00})";

    private static string Points(double share) => $"{share * 100:0.00} points";

    private static void PrintArchitectures(RankResult result)
    {
        bool isRepeated = result.Figures.Trainings > 1;
        string[] ofRepeats = isRepeated ? ["deviation of trainings"] : [];
        Table table = PlainTable.New(
            ["architecture", "FLOPs", "top-1 in the supernet", "deviation", "trained from scratch", .. ofRepeats]);
        foreach ((RankedArchitecture one, double[] trainings) in
            result.Architectures.Zip(result.Trainings).OrderByDescending(r => r.Second.Average()))
        {
            table.AddRow(
                [
                    one.Architecture, CostMeasure.Flops.NumberOf(one.Flops), $"{one.Scores[0]:0.00%}",
                    $"{Ranking.Deviation(one.Scores):0.00%}", $"{trainings.Average():0.00%}",
                    .. isRepeated ? [$"{Ranking.Deviation(trainings):0.00%}"] : Array.Empty<string>(),
                ]);
        }
        PlainTable.Write(table);
    }

    private static (string Name, string? Value)[] RowsOfTrainings(RankFigures figures)
    {
        if (figures.Agreement is not { } agreement) return [("tau of trainings", "unknown: --repeats 2 or more shows how far they agree")];
        string tau = double.IsNaN(agreement.Tau) ? "undefined: of a seed all are equal" : $"{agreement.Tau:0.00}";
        string ratio = double.IsFinite(agreement.Ratio) ? $", {agreement.Ratio:0.00} times that" : "";
        string explained = RankVerdict.WhyNothingIsExplained(figures) is { } why
            ? $"nothing can be explained: {why}"
            : Shown(figures.Explained!.Value, "nothing is ranked");
        return
        [
            ("tau of trainings", $"{tau} between two of {figures.Trainings} seeds"),
            ("noise of a training", $"{Points(agreement.Noise)}; spread of architectures {Points(agreement.Spread)}{ratio}"),
            (
                "reliability",
                $"{agreement.OfOne:0.00} of one training, {agreement.OfMean:0.00} of the mean (p = {agreement.Chance:0.0000})"),
            ("rho's ceiling", $"{figures.Ceiling:0.00}"),
            ("explained of it", explained),
        ];
    }
}
