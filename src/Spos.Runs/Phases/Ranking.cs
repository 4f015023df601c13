using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
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

    /// <summary>Trainings from scratch of each architecture, with the seed and those after it; at least 1.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>Equal parts of the range of FLOPs that architectures are drawn from in equal numbers; 1 for each path as likely.</summary>
    public int FlopsBins { get; init; } = 1;

    /// <summary>
    /// Makes a pool of other processes that score and train, too; null where this one is alone. Results do not depend on it.
    /// </summary>
    public Func<PoolSpec, IWorkPool>? Pool { get; init; }

    /// <summary>The options that an architecture's training depends on. How it is scored does not matter there.</summary>
    public required IReadOnlyList<RunOption> TrainingOptions { get; init; }
}

/// <summary>What a ranking came to.</summary>
/// <param name="Architectures">With their scores, and top-1 from scratch.</param>
/// <param name="Trainings">Top-1 from scratch of each architecture, of each training.</param>
/// <param name="ScoreDeviation">The mean deviation of an architecture's score over the recalibrations.</param>
/// <param name="RecalibrationTau">
/// Kendall's tau between recalibrations, the mean over all pairs; null if there is one recalibration alone.
/// </param>
/// <param name="Compared">Pictures of the scores.</param>
/// <param name="Val">Pictures that the trained ones were measured on.</param>
public sealed record RankResult(
    string Folder, string FiguresFile, IReadOnlyList<RankedArchitecture> Architectures, IReadOnlyList<double[]> Trainings,
    RankFigures Figures, double ScoreDeviation, double? RecalibrationTau, MeasuredPictures Compared, MeasuredPictures Val,
    DamageReport Damage)
{
    /// <summary>Whether the search can be trusted.</summary>
    public RankVerdict Verdict { get; } = RankVerdict.Of(Figures);

    /// <summary>The supernet's scores, of the first recalibration.</summary>
    public double[] Scores => [.. Architectures.Select(a => a.Scores[0])];

    /// <summary>Top-1 from scratch, the mean over an architecture's trainings.</summary>
    public double[] Standalone => [.. Trainings.Select(t => t.Average())];
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
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.Repeats, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.FlopsBins, 1);
        // What this process trains and what workers send is told by several threads.
        var observer = new ObserverList(context.Observer);
        context = context with { Observer = observer };
        ScoringSpec scoring = spec.Scoring;
        spec.Setup.Require(RunKind.Rank);
        if (spec.FlopsBins > spec.NumArchitectures)
        {
            throw new UsageException(
                $"--flops-bins {spec.FlopsBins}: --num-architectures {spec.NumArchitectures} are fewer than one of each part.");
        }
        if (spec.NumArchitectures < RankVerdict.FewestArchitectures)
        {
            observer.Say($"With fewer than {RankVerdict.FewestArchitectures} architectures it isn't told whether a search can be trusted.");
        }
        using var supernet = new ScoredSupernet(scoring, spec.Setup.Precision, observer.Warn);
        // Architectures are trained on pictures as the supernet was.
        Preprocessing preprocessing = spec.Setup.Data.PreprocessingOf(supernet.Header);
        TrainingSetup setup = spec.Setup.FedAs(preprocessing);
        setup.Check();
        (double least, double most) = supernet.Limits.RangeOf(supernet.Flops);
        var parts = new CostParts(least, most, spec.FlopsBins);
        Architecture[] paths = Draw(spec.NumArchitectures, setup.Data.Seed, supernet, parts);
        Device device = context.OpenDevice();
        (ImageFolder all, ImageFolder val) = setup.Data.OpenBoth(observer);
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, setup.Data.AcceptChanged, observer.Warn);
        setup.CheckSchedule(ScratchSpec.DefaultBatchSize, all.Samples.Length, observer.Warn);
        EvaluationData.RequireBatch(train, scoring.TrainBatchSize, "--train-batch-size");
        EvaluationData.RequireBatch(all, setup.Recipe.BatchSize, "--batch-size");
        using var folder = new RunFolder(setup.Folder, RunKind.Rank, observer);
        var kept = new KeptOptions(setup.Options, setup.PicturesCameTo(all).Concat(supernet.CameTo(preprocessing)));
        var state = new RankState(folder.Folder, kept, DataRecord.Of(all, val), setup.Data.AcceptChanged, observer.Warn);
        RankedArchitecture[]? known = ComparedRun.Known(
            setup, folder, state, () => state.Load(supernet.Space, spec.Recalibrations), paths.Select(p => p.ToString()),
            k => k.Architecture, "its table of FLOPs or of latencies was another. Give it the same",
            (RunKind.RankedArchitecture, $"{ArchitecturePrefix}*"), observer);
        RunRecord.Write(folder, setup.Options, device, NetworkRecord.Of(supernet.Header), all.Classes);
        var damage = new DamageReport(observer.Warn);
        observer.Begin(new RunBegin(folder.Folder, supernet.Spec, RunRecord.OptionsOf(setup.Options), supernet.Space));
        if (!PictureCaches.Make(setup.Data, device, observer, context.Cancel, all, val)) return null;
        var data = new EvaluationData(device, supernet.Spec.ImageSize, setup.Data, preprocessing, damage);
        using BatchSource compared = data.Test(selection, scoring.TestBatchSize), test = data.Test(val, scoring.TestBatchSize);
        var training = new ArchitectureTraining
        {
            Kind = RunKind.RankedArchitecture,
            Setup = setup with { Folder = folder.Folder },
            Options = spec.TrainingOptions,
            Sizes = supernet.Spec with { Affine = true },
            Device = device,
            Train = all,
            Val = val,
            Test = test,
            Damage = damage,
        };
        var facts = WorkFacts.Of(setup.Options, supernet, preprocessing, DataRecord.Of(all, val), [.. all.Classes], device);
        using IWorkPool? pool = spec.Pool?.Invoke(new PoolSpec(facts, training.Recipe, folder.Folder, observer));
        RankedArchitecture[] ranked =
            known ?? [.. paths.Select(path => new RankedArchitecture($"{path}", supernet.Flops.Of(path), [], null))];
        var scores = new RankScores(spec, supernet, paths, device, data, train, compared, folder, state, pool, context);
        bool? whole = null;
        while (whole == null)
        {
            try
            {
                scores.Complete(ranked);
                // Its memory is for training now.
                compared.Dispose();
                state.Save(ranked, observer);
                whole = Train(spec, paths, ranked, training, state, pool, context);
            }
            catch (ScoresWithdrawnException wrong)
            {
                // Who has sent a bad checkpoint may have scored, too.
                scores.Withdraw(ranked, wrong);
            }
        }
        if (whole == false) return null;
        pool?.MarkDone();
        return Finish(spec, folder, state, ranked, parts, compared, test, damage);
    }

    /// <summary>The standard deviation of values that are a sample.</summary>
    public static double Deviation(double[] values) =>
        values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => Math.Pow(v - values.Average(), 2)) / (values.Length - 1));

    private static TrainingJob JobOf(RankSpec spec, Architecture path, int number, int repeat, ulong firstSeed)
    {
        ulong seed = firstSeed + (ulong)repeat;
        string title = $"architecture {number + 1}/{spec.NumArchitectures}"
            + (spec.Repeats > 1 ? $", training {repeat + 1}/{spec.Repeats}" : "");
        return new TrainingJob(path, seed, $"{ArchitecturePrefix}{number:D3}" + (repeat > 0 ? $"-seed-{seed}" : ""), title);
    }

    // Different paths that keep the limits.
    private static Architecture[] Draw(int count, ulong seed, ScoredSupernet supernet, CostParts parts)
    {
        var random = new CounterRandom(seed, RandomPurpose.Search, ulong.MaxValue, 1);
        IReadOnlyList<Architecture> drawn = parts.Draw(supernet.Limits.Sampler, supernet.Flops, random, count);
        return drawn.Count == count
            ? [.. drawn]
            : throw new UsageException($"--num-architectures {count}: there are not so many of {supernet.Limits.Sampler.Limits}.");
    }

    // Whether all are trained; else it was stopped, and what was done is saved.
    private static bool Train(
        RankSpec spec, Architecture[] paths, RankedArchitecture[] ranked, ArchitectureTraining training, RankState state, IWorkPool? pool,
        RunContext context)
    {
        // All of one seed first: what there is after them is a ranking already.
        for (int repeat = 0; repeat < spec.Repeats; repeat++)
        {
            int[] left = [.. Enumerable.Range(0, ranked.Length).Where(i => ranked[i].Trainings.Length <= repeat)];
            TrainingJob[] jobs = [.. left.Select(i => JobOf(spec, paths[i], i, repeat, spec.Setup.Data.Seed))];
            void Done(int job, Accuracy accuracy)
            {
                ranked[left[job]] = ranked[left[job]].Trained(accuracy.Top1);
                state.Save(ranked, context.Observer);
            }

            if (!SharedTrainings.Run(training, jobs, pool, Done, context)) return false;
        }
        return true;
    }

    private static RankResult Finish(
        RankSpec spec, RunFolder folder, RankState state, RankedArchitecture[] ranked, CostParts parts, BatchSource compared,
        BatchSource test, DamageReport damage)
    {
        // Those of a run that asked for more are not counted.
        double[][] trainings = [.. ranked.Select(r => r.Trainings[..spec.Repeats])];
        RankFigures figures = RankFigures.Of(
            [.. ranked.Select(r => r.Scores[0])], [.. ranked.Select(r => r.Flops)], trainings, parts, spec.Setup.Data.Seed);
        double? recalibrations = spec.Recalibrations < 2 ? null : Repeatability.MeanTau([.. ranked.Select(r => r.Scores)]);
        var result = new RankResult(
            folder.Folder, state.FilePath, ranked, trainings, figures, ranked.Average(r => Deviation(r.Scores)), recalibrations,
            MeasuredPictures.Of(compared), MeasuredPictures.Of(test), damage);
        folder.WriteResult(Written(result));
        return result;
    }

    // Numbers that are not finite become null.
    private static object Written(RankResult result)
    {
        RankFigures figures = result.Figures;
        return new
        {
            architectures = result.Architectures.Count,
            kendall_tau = Written(figures.Tau),
            sparse_kendall_tau = Written(figures.SparseTau),
            spearman_rho = Written(figures.Rho),
            flops_tau = Written(figures.FlopsTau),
            partial_tau = Written(figures.PartialTau),
            flops_bins = figures.Parts,
            tau_within_bins = figures.TauWithinParts is { } within ? Written(within) : null,
            regret = figures.Regrets.Select(r => new { top = r.Top, regret = r.Regret, at_random = r.AtRandom }),
            trainings = figures.Trainings,
            agreement = figures.Agreement is not { } agreement ? null : new
            {
                tau = agreement.Tau,
                noise = agreement.Noise,
                spread = agreement.Spread,
                ratio = agreement.Ratio,
                reliability_of_one = agreement.OfOne,
                reliability_of_mean = agreement.OfMean,
                chance = agreement.Chance,
                ceiling = figures.Ceiling,
                explained = RankVerdict.WhyNothingIsExplained(figures) == null ? Written(figures.Explained!.Value) : null,
            },
            score_deviation = result.ScoreDeviation,
            recalibration_tau = result.RecalibrationTau,
            trusted = $"{result.Verdict.Trust}".ToLowerInvariant(),
            verdict = $"{result.Verdict}",
            pictures = new
            {
                compared = result.Compared.Count,
                compared_left_out = result.Compared.LeftOut,
                val = result.Val.Count,
                val_left_out = result.Val.LeftOut,
            },
        };
    }

    private static double[] Written(Estimate estimate) => [estimate.Value, estimate.Low, estimate.High];
}
