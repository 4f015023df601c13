using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Phase 1: trains the supernet.</summary>
[Verb("supernet", HelpText = "Phase 1: train the supernet, a random path (or several) a step.")]
internal sealed class SupernetVerb : TrainOptions, IVerb
{
    private const int CalibrationPictures = 1280, CalibrationBatch = 128, TestBatch = 512, DefaultBatchSize = 768;

    [Option("epochs", Default = 120, HelpText = "Passes over the training pictures.")]
    [InRange(1, 100_000)]
    [Influences(Influence.Kept)]
    public int Epochs { get; set; } = 120;

    [Option("batch-size", Default = DefaultBatchSize, HelpText = "Pictures a step.")]
    [InRange(2, 65_536)]
    [Influences(Influence.Kept)]
    public int BatchSize { get; set; } = DefaultBatchSize;

    [Option("learning-rate", Default = DefaultLearningRate, HelpText = "Learning rate at the start; it falls to 0 linearly, step by step.")]
    [InRange(0, 100, AboveLeast = true, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float LearningRate { get; set; } = DefaultLearningRate;

    [Option("paths-per-step", Default = 1, HelpText = "Paths trained a step. With more than one they share no operation, and their gradients are averaged.")]
    [InRange(1, Trainer.MostPaths)]
    [Influences(Influence.Kept)]
    public int PathsPerStep { get; set; } = 1;

    [Option("flops-lb", HelpText = "Least FLOPs of a sampled path (default: 290e6 for the official sizes, else none).")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    [Influences(Influence.Kept)]
    public double? FlopsLb { get; set; }

    [Option("flops-ub", HelpText = "Most FLOPs of a sampled path (default: 360e6 for the official sizes, else none).")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    [Influences(Influence.Kept)]
    public double? FlopsUb { get; set; }

    [Option("flops-bins", Default = 7, HelpText = "Equal parts of the FLOPs window: a step's path is drawn from one of them, each as likely, and in it any path as likely.")]
    [InRange(1, 1000)]
    [Influences(Influence.Kept)]
    public int FlopsBins { get; set; } = 7;

    [Option("held-out", Default = 0.05f, HelpText = "Share of the training pictures kept for the search and not trained on.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float HeldOut { get; set; } = 0.05f;

    [Option("random-paths", Default = 32, HelpText = "Random paths that are measured on val at the end, to show what the supernet has learnt.")]
    [InRange(1, 100_000)]
    [Influences(Influence.Later)]
    public int RandomPaths { get; set; } = 32;

    [Option("load-checkpoint", HelpText = "Start from the weights of this checkpoint, or of the newest one of this folder, with a fresh schedule (default: from random weights).")]
    [Input(PathKind.Any)]
    [Influences(Influence.Kept)]
    public string? LoadCheckpoint { get; set; }

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Train on ImageNet with the official settings", new SupernetVerb { ImagenetDir = "/data/imagenet", Workers = 8 }),
    ];

    public int Run()
    {
        using CheckpointReader? loaded = LoadCheckpoint == null ? null : CheckpointFolder.Open(LoadCheckpoint);
        if (loaded?.Header.Path is { } path) throw new CheckpointException($"{loaded.Path} is of another network: a single path, {path}. --load-checkpoint needs a supernet's.");
        NetworkOrigin? origin = loaded == null ? null : NetworkOrigin.Of(loaded);
        NetworkSpec shape = Spec(2, affine: false, origin);
        SposPreprocessing |= origin?.Network.Preprocessing == Preprocessing.Spos;
        TrainingOptions training = Training(Epochs, BatchSize, LearningRate, Decay.Linear);
        Check(training.Validate, CheckPaths);
        CheckArea(BatchSize, shape.ImageSize);
        RequireFolder(RunKind.Supernet);
        Device device = OpenDevice();
        (ImageFolder all, ImageFolder val) = OpenBoth();
        (ImageFolder train, _) = HeldOutSplit.Divide(all, HeldOut);
        CheckSchedule(training, DefaultBatchSize, train.Samples.Length);
        NetworkSpec spec = shape with { Classes = train.Classes.Length };
        if (loaded != null) ClassCheck.Require(loaded.Path, loaded.Header, train, AcceptChangedData);
        var sampler = new PathSampler(NetworkFlops.Of(spec));
        Func<long, IReadOnlyList<Architecture>> paths = PathRule(spec, sampler);
        using RunFolder folder = OpenFolder(RunKind.Supernet);
        DamageReport damage = Damage();

        using var session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec);
        var trainer = new Trainer(session, network, train, training, paths, damage);
        using var run = new TrainingRun("supernet", session, network, folder, new KeptOptions(this, CameTo(spec, train, loaded)), TrainedOn(all, val), Start) { LogFrequency = LogFrequency, SaveFrequency = SaveFrequency };
        Notice.Say($"Supernet: {spec}; {train.Samples.Length} pictures of {train.Classes.Length} classes; on {Describe(device)}.");
        run.Begin(trainer, () =>
        {
            Initialisation.Initialise(network, session.Stream, Seed, Init);
            loaded?.Load(session, network);
        });
        RunRecord.Write(folder, this, device, NetworkRecord.Of(spec, PreprocessingOf(null)), train.Classes);
        using var stop = new StopSignal();
        if (!run.Train(trainer, null, stop.Token)) return ExitCode.Stopped;
        return Report(session, network, sampler, train, val, damage, folder, run, stop.Token);
    }

    private void CheckPaths()
    {
        if (PathsPerStep > 1 && (FlopsLb ?? FlopsUb) != null) throw new ArgumentException("--flops-lb and --flops-ub need --paths-per-step 1: paths that share no operation cannot all be kept within a window.");
    }

    // The paths of each step: a function of the seed and the step alone.
    private Func<long, IReadOnlyList<Architecture>> PathRule(NetworkSpec spec, PathSampler sampler)
    {
        CounterRandom At(long step) => new(Seed, RandomPurpose.Paths, (ulong)step);
        if (PathsPerStep > 1) return step => sampler.Disjoint(At(step), PathsPerStep);
        if ((FlopsLb ?? 0) <= 0 && FlopsUb == null && !spec.IsOfficialSize) return step => [sampler.Uniform(At(step))];
        (double low, double high) = FlopsWindow.Of(FlopsLb, FlopsUb, spec, sampler.Costs);
        (low, high) = (Math.Max(low, sampler.Costs.Least), Math.Min(high, sampler.Costs.Most));
        Check(() => sampler.FromBins(At(0), low, high, FlopsBins));
        return step => [sampler.FromBins(At(step), low, high, FlopsBins)];
    }

    private int Report(Session session, ShuffleNetV2OneShot network, PathSampler sampler, ImageFolder train, ImageFolder val, DamageReport damage, RunFolder folder, TrainingRun run, CancellationToken cancel)
    {
        // A batch that was trained on fits the device; larger ones may not.
        int calibrationBatch = Math.Min(CalibrationBatch, BatchSize), testBatch = Math.Min(TestBatch, BatchSize);
        using BatchSource calibration = EvaluationData.Calibration(session.Device, train, network.Spec.ImageSize, CalibrationPictures / calibrationBatch, calibrationBatch, Workers, Seed, PreprocessingOf(null), Decoder, damage);
        using BatchSource test = EvaluationData.Test(session.Device, val, network.Spec.ImageSize, testBatch, Workers, PreprocessingOf(null), Decoder, damage);
        var top1 = new List<double>();
        ProgressDisplay.Run("random paths", RandomPaths, "path", display =>
        {
            for (int i = 0; i < RandomPaths; i++)
            {
                Architecture path = sampler.Uniform(new CounterRandom(Seed, RandomPurpose.Search, ulong.MaxValue, (ulong)i));
                Evaluator.Recalibrate(session, network, path, calibration.Until(cancel), "--batch-size");
                top1.Add(Evaluator.Measure(session, network, path, test.Until(cancel), "--batch-size").Top1);
                display.Report(i + 1, 1, $"top-1 {top1[^1]:0.0%}");
            }
        });
        folder.WriteResult(new
        {
            random_paths = top1.Count,
            top1_mean = top1.Average(),
            top1_min = top1.Min(),
            top1_max = top1.Max(),
            pictures = test.Pictures,
            left_out = test.LeftOut,
            classes = train.Classes,
            checkpoint = run.CheckpointPath,
        });
        ResultTable.Print(
            "Supernet trained",
            ("random paths", $"{top1.Count}, recalibrated on {calibration.Batches * calibrationBatch} training pictures"),
            ("top-1 on val, mean", $"{top1.Average():0.0%}"),
            ("top-1 on val, range", $"{top1.Min():0.0%} to {top1.Max():0.0%}"),
            ("pictures", EvaluationData.Count(test)),
            ("damaged pictures", $"{damage}"),
            RowOfRefused(damage),
            ("checkpoint", run.CheckpointPath),
            ("plot", run.Plot() ?? "none"));
        return ExitCode.Success;
    }
}
