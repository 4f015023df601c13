using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How a supernet's scores are compared with trainings from scratch.</summary>
public sealed record RankSpec
{
    public required TrainingSetup Setup { get; init; }

    public required ScoringSpec Scoring { get; init; }

    /// <summary>Random architectures to compare, all different; at least 2.</summary>
    public int NumArchitectures { get; init; } = 16;

    /// <summary>Sets of training pictures that each score is repeated with; at least 1.</summary>
    public int Recalibrations { get; init; } = 5;

    /// <summary>The options that an architecture's training depends on. How it is scored does not matter there.</summary>
    public required IReadOnlyList<RunOption> TrainingOptions { get; init; }
}

/// <summary>What a ranking came to.</summary>
/// <param name="Architectures">With their scores, and top-1 from scratch.</param>
/// <param name="Tau">Kendall's tau between scores and trainings from scratch; NaN where nothing is ranked.</param>
/// <param name="Rho">Spearman's rho between them.</param>
/// <param name="ScoreDeviation">The mean deviation of an architecture's score over the recalibrations.</param>
/// <param name="Repeatability">
/// Kendall's tau between recalibrations, the mean over all pairs; null if there is one recalibration alone.
/// </param>
/// <param name="Compared">Pictures of the scores.</param>
/// <param name="Val">Pictures that the trained ones were measured on.</param>
public sealed record RankResult(
    string Folder, string FiguresFile, IReadOnlyList<RankedArchitecture> Architectures, Estimate Tau, Estimate Rho, double ScoreDeviation,
    double? Repeatability, MeasuredPictures Compared, MeasuredPictures Val, DamageReport Damage)
{
    /// <summary>The supernet's scores, of the first recalibration.</summary>
    public double[] Scores => [.. Architectures.Select(a => a.Scores[0])];

    /// <summary>Top-1 from scratch.</summary>
    public double[] Standalone => [.. Architectures.Select(a => a.Standalone!.Value)];
}

/// <summary>Tells how well a supernet's scores order architectures as training from scratch does.</summary>
public static class Ranking
{
    // What the names of the folders of the trainings begin with.
    private const string ArchitecturePrefix = "architecture-";

    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static RankResult? Run(RankSpec spec, RunContext context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.NumArchitectures, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.Recalibrations, 1);
        IRunObserver observer = context.Observer;
        ScoringSpec scoring = spec.Scoring;
        spec.Setup.Require(RunKind.Rank);
        using var supernet = new ScoredSupernet(scoring, spec.Setup.Precision, observer.Warn);
        // Architectures are trained on pictures as the supernet was.
        Preprocessing preprocessing = spec.Setup.Data.PreprocessingOf(supernet.Header);
        TrainingSetup setup = spec.Setup.FedAs(preprocessing);
        setup.Check();
        Architecture[] paths = Draw(spec.NumArchitectures, setup.Data.Seed, supernet);
        Device device = context.OpenDevice();
        (ImageFolder all, ImageFolder val) = setup.Data.OpenBoth(observer);
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, setup.Data.AcceptChanged, observer.Warn);
        setup.CheckSchedule(ScratchSpec.DefaultBatchSize, all.Samples.Length, observer.Warn);
        EvaluationData.RequireBatch(train, scoring.TrainBatchSize, "--train-batch-size");
        EvaluationData.RequireBatch(all, setup.Recipe.BatchSize, "--batch-size");
        using var folder = new RunFolder(setup.Folder, RunKind.Rank, observer);
        var kept = new KeptOptions(setup.Options, setup.PicturesCameTo(all).Concat(supernet.CameTo(preprocessing)));
        var state = new RankState(folder.Folder, kept, DataRecord.Of(all, val), setup.Data.AcceptChanged, observer.Warn);
        RankedArchitecture[]? known = Known(spec, folder, state, supernet.Spec.Space, paths, observer);
        RunRecord.Write(folder, setup.Options, device, NetworkRecord.Of(supernet.Header), all.Classes);
        var damage = new DamageReport(observer.Warn);
        observer.Begin(new RunBegin(folder.Folder, supernet.Spec, RunRecord.OptionsOf(setup.Options)));
        if (!PictureCaches.Make(setup.Data, device, observer, context.Cancel, all, val)) return null;
        var data = new EvaluationData(device, supernet.Spec.ImageSize, setup.Data, preprocessing, damage);
        using BatchSource compared = data.Test(selection, scoring.TestBatchSize);
        RankedArchitecture[] ranked = known ?? Score(spec, supernet, paths, device, train, data, compared, folder, context);
        // Its memory is for training now.
        compared.Dispose();
        Save();
        using BatchSource test = data.Test(val, scoring.TestBatchSize);
        for (int i = 0; i < ranked.Length; i++)
        {
            if (ranked[i].Standalone != null) continue;
            Accuracy? accuracy = TrainAlone(i, spec, setup, supernet.Spec, paths[i], device, all, val, test, damage, folder, context);
            if (accuracy == null) return null;
            ranked[i] = ranked[i] with { Standalone = accuracy.Value.Top1 };
            Save();
        }
        return Finish(spec, folder, state, ranked, compared, test, damage);

        void Save()
        {
            try
            {
                state.Save(ranked);
            }
            catch (WriteException error)
            {
                throw InterruptedRunException.Of(error, "The figures that were written before are kept");
            }
            observer.Saved(state.FilePath);
        }
    }

    /// <summary>The standard deviation of values that are a sample.</summary>
    public static double Deviation(double[] values) =>
        values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => Math.Pow(v - values.Average(), 2)) / (values.Length - 1));

    private static RankedArchitecture[]? Known(
        RankSpec spec, RunFolder folder, RankState state, SearchSpace space, Architecture[] paths, IRunObserver observer)
    {
        TrainingSetup setup = spec.Setup;
        if (setup.Restart) Clear(folder, observer);
        RankedArchitecture[]? known = state.Load(space, spec.Recalibrations);
        if (known != null && !known.Select(k => k.Architecture).SequenceEqual(paths.Select(p => p.ToString())))
        {
            throw new UsageException(
                $"{state.FilePath} has other architectures than are drawn now: its FLOPs table was another. "
                + "Give it the same, choose another --output-dir, or begin anew with --restart.");
        }
        if (known == null && setup.Resume) throw new UsageException($"--resume: {state.FilePath} does not exist.");
        if (known == null && !setup.Restart) folder.RequireNoResult(RankState.FileName);
        return known;
    }

    // Those of an earlier run may be more than this one's.
    private static void Clear(RunFolder folder, IRunObserver observer)
    {
        foreach (string below in Directory.GetDirectories(folder.Folder, $"{ArchitecturePrefix}*"))
        {
            if (FolderContents.Of(below).Kind != RunKind.RankedArchitecture) continue;
            using var own = new RunFolder(below, RunKind.RankedArchitecture, observer);
            own.Clear();
        }
        folder.Clear();
    }

    // Different paths within the limit, each set as likely.
    private static Architecture[] Draw(int count, ulong seed, ScoredSupernet supernet)
    {
        var drawn = new List<Architecture>();
        var random = new CounterRandom(seed, RandomPurpose.Search, ulong.MaxValue, 1);
        for (int tries = 0; drawn.Count < count; tries++)
        {
            if (tries > 1000 * count)
            {
                throw new UsageException(
                    $"--num-architectures {count}: there are not so many within the FLOPs limit.");
            }
            Architecture path = supernet.Sampler.Within(random, 0, supernet.FlopsLimit);
            if (!drawn.Contains(path)) drawn.Add(path);
        }
        return [.. drawn];
    }

    private static RankedArchitecture[] Score(
        RankSpec spec, ScoredSupernet supernet, Architecture[] paths, Device device, ImageFolder train, EvaluationData data,
        BatchSource test, RunFolder folder, RunContext context)
    {
        TrainingSetup setup = spec.Setup;
        double[][] scores = [.. paths.Select(_ => new double[spec.Recalibrations])];
        using var scorers = new Scorers(supernet, () => DeviceUse.NewSession(device, setup.Plan, setup.Precision), 1);
        var part = new RunPart(PartKind.Scoring, "supernet scores", folder.Folder, "score", (long)paths.Length * spec.Recalibrations);
        context.Observer.Observe(part, () =>
        {
            for (int set = 0; set < spec.Recalibrations; set++)
            {
                ulong seed = setup.Data.Seed + (ulong)set;
                using BatchSource calibration = data.Calibration(train, spec.Scoring.TrainIters, spec.Scoring.TrainBatchSize, seed);
                IPathScorer scorer = scorers.On(calibration, test, context.Cancel)[0];
                for (int i = 0; i < paths.Length; i++)
                {
                    scores[i][set] = scorer.Score([paths[i]])[0];
                    context.Observer.Score(set * paths.Length + i + 1, scores[i][set]);
                }
            }
        });
        return [.. paths.Select((path, i) => new RankedArchitecture(path.ToString(), supernet.Flops.Of(path), scores[i], null))];
    }

    private static Accuracy? TrainAlone(
        int index, RankSpec spec, TrainingSetup setup, NetworkSpec supernet, Architecture path, Device device, ImageFolder train,
        ImageFolder val, BatchSource test, DamageReport damage, RunFolder folder, RunContext context)
    {
        NetworkSpec sizes = supernet with { Affine = true };
        string below = Path.Combine(folder.Folder, $"{ArchitecturePrefix}{index:D3}");
        var kept = new KeptOptions(spec.TrainingOptions, setup.PicturesCameTo(train).Append(new("architecture", $"{path}")));
        string title = $"architecture {index + 1}/{spec.NumArchitectures}";
        using var run = new TrainingRun(
            RunKind.RankedArchitecture, title, setup with { Folder = below }, device, sizes, path, kept, DataRecord.TrainedOn(train, val),
            context.Observer);
        var trainer = new Trainer(run.Session, run.Network, train, setup.Training, _ => [path], damage)
        {
            ReservedBytes = () => test.BytesToKeep,
        };
        run.Begin(trainer);
        return run.Train(trainer, null, context.Cancel)
            ? Evaluator.Measure(run.Session, run.Network, path, test.Until(context.Cancel))
            : null;
    }

    private static RankResult Finish(
        RankSpec spec, RunFolder folder, RankState state, RankedArchitecture[] ranked, BatchSource compared, BatchSource test,
        DamageReport damage)
    {
        double[] scores = [.. ranked.Select(r => r.Scores[0])], standalone = [.. ranked.Select(r => r.Standalone!.Value)];
        Estimate tau = RankStatistics.Bootstrap(scores, standalone, RankStatistics.KendallTau, spec.Setup.Data.Seed);
        Estimate rho = RankStatistics.Bootstrap(scores, standalone, RankStatistics.Spearman, spec.Setup.Data.Seed);
        double deviation = ranked.Average(r => Deviation(r.Scores));
        double? repeatability = spec.Recalibrations < 2 ? null : Repeatability(spec.Recalibrations, ranked);
        MeasuredPictures selection = MeasuredPictures.Of(compared), val = MeasuredPictures.Of(test);
        folder.WriteResult(new
        {
            architectures = ranked.Length,
            kendall_tau = Written(tau),
            spearman_rho = Written(rho),
            score_deviation = deviation,
            recalibration_tau = Written(repeatability),
            pictures = new
            {
                compared = selection.Count,
                compared_left_out = selection.LeftOut,
                val = val.Count,
                val_left_out = val.LeftOut,
            },
        });
        return new RankResult(folder.Folder, state.FilePath, ranked, tau, rho, deviation, repeatability, selection, val, damage);
    }

    private static double?[] Written(Estimate estimate) => [Written(estimate.Value), Written(estimate.Low), Written(estimate.High)];

    // NaN is no JSON.
    private static double? Written(double? value) => value is double.NaN ? null : value;

    // The mean over all pairs of recalibrations.
    private static double Repeatability(int recalibrations, RankedArchitecture[] ranked)
    {
        double[] Set(int set) => [.. ranked.Select(r => r.Scores[set])];
        IEnumerable<double> all =
            from a in Enumerable.Range(0, recalibrations) from b in Enumerable.Range(0, a) select RankStatistics.KendallTau(Set(a), Set(b));
        return all.Average();
    }
}
