using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Ops;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How the paths of a step learn from the guesses of the widest one.</summary>
public enum Distillation
{
    /// <summary>Not at all: all learn from labels.</summary>
    None,

    /// <inheritdoc cref="Divergence.Kl"/>
    Kl,

    /// <inheritdoc cref="Divergence.Alpha"/>
    Alpha,
}

/// <summary>How a supernet is trained.</summary>
public sealed record SupernetSpec
{
    public required TrainingSetup Setup { get; init; }

    /// <summary>The batch size that the default learning rate is meant for.</summary>
    public const int DefaultBatchSize = 768;

    public const int DefaultRandomPaths = 32;

    public required NetworkSizes Sizes { get; init; }

    /// <summary>The most <see cref="PathsPerStep"/>: what blocks of the fewest operations have.</summary>
    public const int MostPathsPerStep = 4;

    /// <summary>The most <see cref="SandwichPaths"/>.</summary>
    public const int MostSandwichPaths = 16;

    /// <summary>
    /// A file with the alternatives that are trained on, as spos search-space and spos shrink write it; null for those of
    /// <see cref="LoadCheckpoint"/>, or all. The network has all the others too, and they stay as they are.
    /// </summary>
    public string? SearchSpace { get; init; }

    /// <summary>Paths trained a step. Several share no operation, and their gradients are averaged.</summary>
    public int PathsPerStep { get; init; } = 1;

    /// <summary>
    /// Random paths of a step that are trained between the widest and the narrowest one of the space (<see cref="SandwichRule"/>); 0 to do
    /// without these two. What several of them use moves by the mean of their gradients.
    /// </summary>
    public int SandwichPaths { get; init; }

    /// <summary>
    /// How all paths but the widest learn from its guesses, with <see cref="SandwichPaths"/>; null for <see cref="Distillation.Kl"/>
    /// there.
    /// </summary>
    public Distillation? Distillation { get; init; }

    /// <summary>Least FLOPs of a sampled path; null for the official ones at the official sizes, else none.</summary>
    public double? FlopsLow { get; init; }

    /// <summary>Most FLOPs of a sampled path; null as of <see cref="FlopsLow"/>.</summary>
    public double? FlopsHigh { get; init; }

    /// <summary>Equal parts of the window of FLOPs; a path is drawn from each as likely.</summary>
    public int FlopsBins { get; init; } = NetworkFlops.OfficialBins;

    /// <summary>
    /// Epochs in which the channel scales of a network that has them are let in one after the other, from the widest, which alone comes
    /// first; in the meantime a path may have any FLOPs.
    /// </summary>
    public int ScaleWarmupEpochs { get; init; }

    /// <summary>The share of train that is kept for the search.</summary>
    public float HeldOut { get; init; } = 0.05f;

    /// <summary>Random paths that are measured on val at the end; at least 1.</summary>
    public int RandomPaths { get; init; } = DefaultRandomPaths;

    /// <summary>A supernet's checkpoint, or its folder, to start from; null for random weights.</summary>
    public string? LoadCheckpoint { get; init; }
}

/// <summary>What a supernet came to.</summary>
/// <param name="RandomTop1">Top-1 on val of the random paths.</param>
/// <param name="CalibrationPictures">Training pictures that each of them was recalibrated on.</param>
/// <param name="Curve">Loss and top-1 of the logged steps.</param>
public sealed record SupernetResult(
    string Folder, string Checkpoint, IReadOnlyList<double> RandomTop1, int CalibrationPictures, MeasuredPictures Pictures,
    DamageReport Damage, IReadOnlyList<(long Step, double Loss, double Top1)> Curve);

/// <summary>Phase 1: trains the supernet.</summary>
public static class SupernetTraining
{
    /// <summary>What the folder's run is called, and its plot.</summary>
    public const string Title = "supernet";

    /// <summary>Training pictures that each random path is recalibrated on, if there are as many.</summary>
    internal const int CalibrationPictures = 1280;

    private const int CalibrationBatch = 128, TestBatch = 512;

    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static SupernetResult? Run(SupernetSpec spec, RunContext context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.RandomPaths, 1);
        IRunObserver observer = context.Observer;
        using CheckpointReader? loaded = spec.LoadCheckpoint == null ? null : CheckpointFolder.Open(spec.LoadCheckpoint, observer.Warn);
        if (loaded?.Header.Path is { } path)
        {
            throw new CheckpointException(
                $"{loaded.Path} is of another network: a single path, {path}. --load-checkpoint needs a supernet's.");
        }
        NetworkOrigin? origin = loaded == null ? null : NetworkOrigin.Of(loaded);
        NetworkSpec shape = spec.Sizes.Spec(2, affine: false, origin);
        TrainingSetup setup = spec.Setup.FedAs(origin?.Network.Preprocessing);
        setup.Check();
        SharedRun.Require(context.Ranks, setup.Recipe.Shards);
        SharedRun.Require(context.Ranks, setup.Plan);
        StepPaths.Check(spec, shape.BlockSet);
        SearchSpace space = SpaceOf(spec.SearchSpace, shape, loaded);
        NetworkSizes.CheckArea(setup.Recipe.BatchSize, shape.ImageSize);
        setup.Require(RunKind.Supernet);
        ShuffleNetV2OneShot.Require(setup.Precision, shape);
        Device device = context.OpenDevice();
        (ImageFolder all, ImageFolder val) = setup.Data.OpenBoth(observer);
        (ImageFolder train, _) = HeldOutSplit.Divide(all, spec.HeldOut);
        setup.CheckSchedule(SupernetSpec.DefaultBatchSize, train.Samples.Length, observer.Warn);
        NetworkSpec sizes = shape with { Classes = train.Classes.Length };
        if (loaded != null) ClassCheck.Require(loaded.Path, loaded.Header, train, setup.Data.AcceptChanged, observer.Warn);
        var sampler = new PathSampler(NetworkFlops.Of(sizes).In(space));
        var paths = new StepPaths(spec, sizes, sampler);
        var damage = new DamageReport(context.WarnOfShare);
        IEnumerable<KeyValuePair<string, string>> cameTo = setup.PicturesCameTo(train).Concat(NetworkSizes.CameTo(sizes, loaded));
        // A search reads it.
        string heldOut = spec.HeldOut.ToString(CultureInfo.InvariantCulture);
        string distillation = DistillationOf(spec)?.ToString().ToLowerInvariant() ?? "";
        var kept = new KeptOptions(
            setup.Options,
            [
                .. cameTo, new(KeptOptions.HeldOutOption, heldOut), new("distillation", distillation),
                new(KeptOptions.SearchSpaceOption, space.Left),
            ]);

        using var run = new TrainingRun(
            RunKind.Supernet, Title, setup, device, sizes, null, kept, DataRecord.TrainedOn(all, val), context);
        var trainer = new Trainer(
            run.Session, run.Network, train, setup.Training with { Distillation = DivergenceOf(spec) }, paths.At, damage, context.Ranks,
            run.Link);
        paths.WarmupSteps = (long)spec.ScaleWarmupEpochs * trainer.StepsPerEpoch;
        if (paths.WarmupSteps >= trainer.Steps)
        {
            observer.Warn($"--scale-warmup-epochs {spec.ScaleWarmupEpochs} takes all of the training: the narrowest scale is not trained.");
        }
        observer.Say(
            $"Supernet: {sizes}{SearchedSpace.NoteOf(space)}; {train.Samples.Length} pictures of {train.Classes.Length} classes; on "
            + $"{DeviceUse.Describe(device)}.{run.TransportNote}");
        run.Begin(trainer, () => loaded?.Load(run.Session, run.Network));
        observer.Begin(new RunBegin(run.Folder, sizes, RunRecord.OptionsOf(setup.Options), space));
        if (!SharedRun.InTurn(context.Ranks, () => PictureCaches.Make(setup.Data, device, observer, context.Cancel, all, val))) return null;
        if (!run.Train(trainer, null, context.Cancel)) return null;
        return Measure(spec.RandomPaths, setup, sampler, train, val, damage, run, context);
    }

    // What it is trained on: what is asked for, or what it begins from was trained on.
    private static SearchSpace SpaceOf(string? file, NetworkSpec network, CheckpointReader? loaded) =>
        file != null ? SearchedSpace.Read(file, network)
        : loaded != null ? SearchedSpace.Of(loaded.Header, loaded.Path)
        : network.Space;

    // Null without the sandwich rule.
    private static Distillation? DistillationOf(SupernetSpec spec) =>
        spec.SandwichPaths == 0 ? null : spec.Distillation ?? Distillation.Kl;

    private static Divergence? DivergenceOf(SupernetSpec spec) => DistillationOf(spec) switch
    {
        Distillation.Kl => Divergence.Kl,
        Distillation.Alpha => Divergence.Alpha,
        _ => null,
    };

    private static SupernetResult Measure(
        int randomPaths, TrainingSetup setup, PathSampler sampler, ImageFolder train, ImageFolder val, DamageReport damage, TrainingRun run,
        RunContext context)
    {
        (Session session, ShuffleNetV2OneShot network, IRanks ranks) = (run.Session, run.Network, context.Ranks);
        // A shard that was trained on fits the device; larger batches may not.
        int calibrationBatch = Math.Min(CalibrationBatch, setup.Recipe.ShardSize), testBatch = Math.Min(TestBatch, setup.Recipe.ShardSize);
        var data = new EvaluationData(session.Device, network.Spec.ImageSize, setup.Data, setup.Data.PreprocessingOf(null), damage);
        using BatchSource calibration = data.Calibration(train, CalibrationPictures / calibrationBatch, calibrationBatch, setup.Data.Seed);
        using BatchSource test = data.Test(val, testBatch);
        // Each process measures every so many-th path.
        var own = new List<double>();
        context.Observer.Observe(new RunPart(PartKind.Scoring, "random paths", run.Folder, "path", randomPaths), () =>
        {
            for (int i = ranks.Rank; i < randomPaths; i += ranks.Count)
            {
                Architecture path = sampler.Uniform(new CounterRandom(setup.Data.Seed, RandomPurpose.Search, ulong.MaxValue, (ulong)i));
                Evaluator.Recalibrate(session, network, path, calibration.Until(context.Cancel), "--batch-size");
                own.Add(Evaluator.Measure(session, network, path, test.Until(context.Cancel), "--batch-size").Top1);
                context.Observer.Score(Math.Min(i + ranks.Count, randomPaths), own[^1]);
            }
        });
        double[][] all = ranks.GatherAll<double>(own.ToArray());
        double[] top1 = [.. Enumerable.Range(0, randomPaths).Select(i => all[i % ranks.Count][i / ranks.Count])];
        MeasuredPictures pictures = MeasuredPictures.Of(test);
        damage.Share(ranks);
        run.WriteResult(new
        {
            random_paths = top1.Length,
            top1_mean = top1.Average(),
            top1_min = top1.Min(),
            top1_max = top1.Max(),
            pictures = pictures.Count,
            left_out = pictures.LeftOut,
            classes = train.Classes,
            checkpoint = run.CheckpointPath,
        });
        return new SupernetResult(
            run.Folder, run.CheckpointPath, top1, calibration.Batches * calibrationBatch, pictures, damage, run.Curve);
    }
}
