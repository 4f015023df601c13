using CommandLine;
using CommandLine.Text;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Space;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Estimate = Spos.Space.Estimate;

namespace Spos.Cli.Verbs;

/// <summary>How well the supernet's scores order architectures as training from scratch does.</summary>
[Verb("rank", HelpText = "Report how well the supernet's scores rank architectures: train some from scratch and compare.")]
internal sealed class RankVerb : RecipeOptions, IScoringOptions, IScratchOptions, IVerb
{
    // What the names of the folders of the trainings begin with.
    private const string ArchitecturePrefix = "architecture-";

    [Option("num-architectures", Default = 16, HelpText = "Random architectures to compare, all different.")]
    [InRange(3, 10_000)]
    [Influences(Influence.Kept)]
    public int NumArchitectures { get; set; } = 16;

    [Option("recalibrations", Default = 5, HelpText = "Sets of training pictures that each score is repeated with, to see how much it varies.")]
    [InRange(1, 1000)]
    [Influences(Influence.Kept)]
    public int Recalibrations { get; set; } = 5;

    public int Epochs { get; set; } = IScratchOptions.DefaultEpochs;

    public int BatchSize { get; set; } = IScratchOptions.DefaultBatchSize;

    public float LearningRate { get; set; } = DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoringOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public double? FlopsLimit { get; set; }

    public string? FlopsTablePath { get; set; }

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
        [new("Compare twenty architectures", new RankVerb { ImagenetDir = "/data/imagenet", CheckpointPath = "runs/supernet", NumArchitectures = 20 })];

    public int Run()
    {
        RequireFolder(RunKind.Rank);
        using var supernet = new Supernet(this);
        // Architectures are trained on pictures as the supernet was.
        SposPreprocessing |= PreprocessingRecord.Of(supernet.Header) == Preprocessing.Spos;
        TrainingOptions training = Training(this);
        Check(training.Validate);
        Architecture[] paths = Draw(supernet);
        Device device = OpenDevice();
        (ImageFolder all, ImageFolder val) = OpenBoth();
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, AcceptChangedData);
        CheckSchedule(training, IScratchOptions.DefaultBatchSize, all.Samples.Length);
        EvaluationData.RequireBatch(train, TrainBatchSize, "--train-batch-size");
        EvaluationData.RequireBatch(all, BatchSize, "--batch-size");
        using RunFolder folder = OpenFolder(RunKind.Rank);
        var state = new RankState(folder.Folder, new KeptOptions(this, PicturesCameTo(all).Concat(supernet.CameTo(PreprocessingOf(supernet.Header)))), DataRecord.Of(all, val), AcceptChangedData);
        RankedArchitecture[]? known = Known(folder, state, supernet.Spec.Space, paths);
        RunRecord.Write(folder, this, device, NetworkRecord.Of(supernet.Header), all.Classes);
        DamageReport damage = Damage();
        using var stop = new StopSignal();
        using BatchSource compared = EvaluationData.Test(device, selection, supernet.Spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(supernet.Header), Decoder, damage);
        RankedArchitecture[] ranked = known ?? Score(supernet, paths, device, train, compared, damage, stop.Token);
        // Its memory is for training now.
        compared.Dispose();
        state.Save(ranked);
        using BatchSource test = EvaluationData.Test(device, val, supernet.Spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(supernet.Header), Decoder, damage);
        for (int i = 0; i < ranked.Length; i++)
        {
            if (ranked[i].Standalone != null) continue;
            Accuracy? accuracy = TrainAlone(i, supernet.Spec, paths[i], device, all, val, training, test, damage, folder, stop.Token);
            if (accuracy == null) return ExitCode.Stopped;
            ranked[i] = ranked[i] with { Standalone = accuracy.Value.Top1 };
            state.Save(ranked);
        }
        Report(folder, ranked, compared, test, damage);
        return ExitCode.Success;
    }

    private RankedArchitecture[]? Known(RunFolder folder, RankState state, SearchSpace space, Architecture[] paths)
    {
        if (Restart) Clear(folder);
        RankedArchitecture[]? known = state.Load(space, Recalibrations);
        if (known != null && !known.Select(k => k.Architecture).SequenceEqual(paths.Select(p => p.ToString())))
        {
            throw new UsageException($"{state.FilePath} has other architectures than are drawn now: its FLOPs table was another. Give it the same, choose another --output-dir, or begin anew with --restart.");
        }
        if (known == null && Resume) throw new UsageException($"--resume: {state.FilePath} does not exist.");
        if (known == null && !Restart) folder.RequireNoResult(RankState.FileName);
        return known;
    }

    // Those of an earlier run may be more than this one's.
    private static void Clear(RunFolder folder)
    {
        foreach (string below in Directory.GetDirectories(folder.Folder, $"{ArchitecturePrefix}*").Where(b => FolderContents.Of(b).Kind == RunKind.RankedArchitecture))
        {
            using var own = new RunFolder(below, RunKind.RankedArchitecture);
            own.Clear();
        }
        folder.Clear();
    }

    // Different paths within the limit, each set as likely.
    private Architecture[] Draw(Supernet supernet)
    {
        var drawn = new List<Architecture>();
        var random = new CounterRandom(Seed, RandomPurpose.Search, ulong.MaxValue, 1);
        for (int tries = 0; drawn.Count < NumArchitectures; tries++)
        {
            if (tries > 1000 * NumArchitectures) throw new UsageException($"--num-architectures {NumArchitectures}: there are not so many within the FLOPs limit.");
            Architecture path = supernet.Sampler.Within(random, 0, supernet.FlopsLimit);
            if (!drawn.Contains(path)) drawn.Add(path);
        }
        return [.. drawn];
    }

    private RankedArchitecture[] Score(
        Supernet supernet, Architecture[] paths, Device device, ImageFolder train, BatchSource test, DamageReport damage, CancellationToken cancel)
    {
        double[][] scores = [.. paths.Select(_ => new double[Recalibrations])];
        Preprocessing preprocessing = PreprocessingOf(supernet.Header);
        using var scorers = new Scorers(supernet, () => NewSession(device), 1);
        ProgressDisplay.Run("supernet scores", (long)paths.Length * Recalibrations, "score", display =>
        {
            for (int set = 0; set < Recalibrations; set++)
            {
                using BatchSource calibration = EvaluationData.Calibration(device, train, supernet.Spec.ImageSize, TrainIters, TrainBatchSize, Workers, Seed + (ulong)set, preprocessing, Decoder, damage);
                Func<Architecture, double> score = scorers.On(calibration, test, cancel)[0];
                for (int i = 0; i < paths.Length; i++)
                {
                    scores[i][set] = score(paths[i]);
                    display.Report(set * paths.Length + i + 1, 1, $"top-1 {scores[i][set]:0.0%}");
                }
            }
        });
        return [.. paths.Select((path, i) => new RankedArchitecture(path.ToString(), supernet.Flops.Of(path), scores[i], null))];
    }

    private Accuracy? TrainAlone(int index, NetworkSpec supernet, Architecture path, Device device, ImageFolder train, ImageFolder val, TrainingOptions training, BatchSource test, DamageReport damage, RunFolder folder, CancellationToken cancel)
    {
        NetworkSpec spec = supernet with { Affine = true };
        using var own = new RunFolder(Path.Combine(folder.Folder, $"{ArchitecturePrefix}{index:D3}"), RunKind.RankedArchitecture);
        using Session session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        var trainer = new Trainer(session, network, train, training, _ => [path], damage) { ReservedBytes = () => test.BytesToKeep };
        // What is scored does not matter here.
        var options = new KeptOptions(this, PicturesCameTo(train).Append(new("architecture", $"{path}")), typeof(RecipeOptions), typeof(IScratchOptions));
        using var run = new TrainingRun($"architecture {index + 1}/{NumArchitectures}", session, network, own, options, TrainedOn(train, val), Start) { LogFrequency = LogFrequency, SaveFrequency = SaveFrequency };
        run.Begin(trainer, () => Initialisation.Initialise(network, session.Stream, Seed, Init));
        RunRecord.Write(own, this, device, NetworkRecord.Of(spec, PreprocessingOf(null)), train.Classes);
        return run.Train(trainer, null, cancel) ? Evaluator.Measure(session, network, path, test.Until(cancel)) : null;
    }

    private void Report(RunFolder folder, RankedArchitecture[] ranked, BatchSource compared, BatchSource test, DamageReport damage)
    {
        double[] scores = [.. ranked.Select(r => r.Scores[0])], standalone = [.. ranked.Select(r => r.Standalone!.Value)];
        Table table = PlainTable.New("architecture", "FLOPs", "top-1 in the supernet", "deviation", "trained from scratch");
        foreach (RankedArchitecture r in ranked.OrderByDescending(r => r.Standalone)) table.AddRow(r.Architecture, $"{r.Flops / 1e6:0.##}M", $"{r.Scores[0]:0.00%}", $"{Deviation(r.Scores):0.00%}", $"{r.Standalone:0.00%}");
        PlainTable.Write(table);
        Estimate tau = RankStatistics.Bootstrap(scores, standalone, RankStatistics.KendallTau, Seed), rho = RankStatistics.Bootstrap(scores, standalone, RankStatistics.Spearman, Seed);
        double deviation = ranked.Average(r => Deviation(r.Scores));
        double? repeatability = Recalibrations < 2 ? null : Repeatability(ranked);
        var pictures = new { compared = compared.Pictures, compared_left_out = compared.LeftOut, val = test.Pictures, val_left_out = test.LeftOut };
        folder.WriteResult(new { architectures = ranked.Length, kendall_tau = Written(tau), spearman_rho = Written(rho), score_deviation = deviation, recalibration_tau = Written(repeatability), pictures });
        ResultTable.Print(
            "Ranking",
            ("architectures", $"{ranked.Length}"),
            ("Kendall's tau", Shown(tau, scores)),
            ("Spearman's rho", Shown(rho, scores)),
            ("a score's deviation", $"{deviation:0.00%} over {Recalibrations} recalibrations; between architectures {Deviation(scores):0.00%}"),
            ("tau of recalibrations", repeatability switch
            {
                null => "unknown",
                double.NaN => "undefined: in a recalibration all scores are equal",
                _ => $"{repeatability:0.00}",
            }),
            ("pictures of scores", EvaluationData.Count(compared)),
            ("pictures of val", EvaluationData.Count(test)),
            ("damaged pictures", $"{damage}"),
            RowOfRefused(damage),
            ("figures", Path.Combine(folder.Folder, RankState.FileName)),
            ("plot", Plots.StandaloneOverScores(folder.Folder, scores, standalone)));
    }

    // Where all values are equal nothing is ranked.
    internal static string Shown(Estimate estimate, double[] scores) => double.IsNaN(estimate.Value)
        ? $"undefined: all architectures have the same top-1 {(scores.Distinct().Count() == 1 ? "in the supernet" : "from scratch")}"
        : $"{estimate.Value:0.00} (95% interval {estimate.Low:0.00} to {estimate.High:0.00})";

    private static double?[] Written(Estimate estimate) => [Written(estimate.Value), Written(estimate.Low), Written(estimate.High)];

    // NaN is no JSON.
    private static double? Written(double? value) => value is double.NaN ? null : value;

    // Of a sample.
    private static double Deviation(double[] values) => values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => Math.Pow(v - values.Average(), 2)) / (values.Length - 1));

    // The mean over all pairs of recalibrations.
    private double Repeatability(RankedArchitecture[] ranked)
    {
        double[] Set(int set) => [.. ranked.Select(r => r.Scores[set])];
        return (from a in Enumerable.Range(0, Recalibrations) from b in Enumerable.Range(0, a) select RankStatistics.KendallTau(Set(a), Set(b))).Average();
    }
}
