using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How a single path is trained.</summary>
public sealed record ScratchSpec
{
    public required TrainingSetup Setup { get; init; }

    /// <summary>The batch size that the default learning rate is meant for.</summary>
    public const int DefaultBatchSize = 1024;

    private const int MostTestBatch = 512;

    public required NetworkSizes Sizes { get; init; }

    /// <summary>
    /// The architecture: a search's folder, a file or a list; null for the loaded checkpoint's, or else the last search's.
    /// </summary>
    public string? Architecture { get; init; }

    /// <summary>The option that names the architecture, for messages.</summary>
    public string ArchitectureOption { get; init; } = "architecture";

    /// <summary>A checkpoint, or its folder, to start from; null for random weights.</summary>
    public string? LoadCheckpoint { get; init; }

    /// <summary>Of the moving average of the weights; 0 for none.</summary>
    public float EmaDecay { get; init; }

    /// <summary>Epochs between measurements on val; 0 for only at the end.</summary>
    public int ValFrequency { get; init; } = 1;

    /// <summary>Pictures of a batch of val; null for what could be trained on, up to 512.</summary>
    public int? TestBatchSize { get; init; }

    /// <summary>Pictures of a batch of val where none are asked for: what could be trained on fits.</summary>
    internal static int DefaultTestBatch(int batchSize) => Math.Min(MostTestBatch, batchSize);
}

/// <summary>What a single path came to.</summary>
/// <param name="Accuracy">On val, of the averaged weights if there are some.</param>
/// <param name="LastTop1">Top-1 of the last step's weights; null without averaged ones.</param>
/// <param name="IsFineTuned">Whether it began from a checkpoint.</param>
/// <param name="Curve">Loss and top-1 of the logged steps.</param>
public sealed record ScratchResult(
    string Folder, string Checkpoint, Architecture Architecture, long Flops, Accuracy Accuracy, double? LastTop1, bool IsFineTuned,
    MeasuredPictures Pictures, DamageReport Damage, IReadOnlyList<(long Step, double Loss, double Top1)> Curve);

/// <summary>Phase 3: trains one architecture from scratch, or fine-tunes it.</summary>
public static class ScratchTraining
{
    /// <summary>What the folder's run is called, and its plot.</summary>
    public const string Title = "scratch";

    private const string DefaultArchitecture = $"runs/search/{NetworkOrigin.ArchitectureName}";

    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static ScratchResult? Run(ScratchSpec spec, RunContext context)
    {
        IRunObserver observer = context.Observer;
        spec.Setup.Check();
        SharedRun.Require(context.Ranks, spec.Setup.Recipe.Shards);
        SharedRun.Require(context.Ranks, spec.Setup.Plan);
        spec.Setup.Require(RunKind.Scratch);
        using CheckpointReader? loaded = spec.LoadCheckpoint == null ? null : CheckpointFolder.Open(spec.LoadCheckpoint, observer.Warn);
        (NetworkSpec shape, Architecture path, NetworkOrigin? origin) = Network(spec, loaded, observer.Warn);
        if (loaded != null) InheritedWeights.Require(loaded, path);
        TrainingSetup setup = spec.Setup.FedAs(origin?.Network.Preprocessing);
        NetworkSizes.CheckArea(setup.Recipe.BatchSize, shape.ImageSize);
        ShuffleNetV2OneShot.Require(setup.Precision, shape, path);
        Device device = context.OpenDevice();
        (ImageFolder train, ImageFolder val) = setup.Data.OpenBoth(observer);
        setup.CheckSchedule(ScratchSpec.DefaultBatchSize, train.Samples.Length, observer.Warn);
        NetworkSpec sizes = shape with { Classes = train.Classes.Length };
        Preprocessing preprocessing = setup.Data.PreprocessingOf(null);
        var damage = new DamageReport(context.WarnOfShare);
        IEnumerable<KeyValuePair<string, string>> cameTo = setup.PicturesCameTo(train).Concat(NetworkSizes.CameTo(sizes, loaded));
        var kept = new KeptOptions(setup.Options, cameTo.Append(new("architecture", $"{path}")));

        using var run = new TrainingRun(
            RunKind.Scratch, Title, setup, device, sizes, path, kept, DataRecord.TrainedOn(train, val), context);
        (Session session, ShuffleNetV2OneShot network) = (run.Session, run.Network);
        using WeightAverage? average = spec.EmaDecay > 0 ? new WeightAverage(session, network, spec.EmaDecay) : null;
        run.Average = average;
        var trainer = new Trainer(session, network, train, setup.Training, _ => [path], damage, context.Ranks, run.Link);
        string begun = loaded == null ? $"Training {path} from scratch" : $"Fine-tuning {path} from {loaded.Path}";
        observer.Say($"{begun}: {sizes}; {train.Samples.Length} pictures; on {DeviceUse.Describe(device)}.{run.TransportNote}");
        if (origin != null)
        {
            string source = $"Sizes and preprocessing are those of {origin.Source}.";
            observer.Say(string.Join(' ', origin.Differences(sizes, preprocessing).Prepend(source)));
        }
        run.Begin(trainer, () =>
        {
            if (loaded != null) new InheritedWeights(loaded, train, observer).Give(session, network);
        });
        int testBatch = spec.TestBatchSize ?? ScratchSpec.DefaultTestBatch(setup.Recipe.ShardSize);
        using BatchSource test = new EvaluationData(device, sizes.ImageSize, setup.Data, preprocessing, damage)
            .Test(val, testBatch, ranks: context.Ranks);
        trainer.ReservedBytes = () => test.BytesToKeep;
        observer.Begin(new RunBegin(run.Folder, sizes, RunRecord.OptionsOf(setup.Options)));
        bool cached = SharedRun.InTurn(
            context.Ranks, () => PictureCaches.Make(setup.Data, device, observer, context.Cancel, train, val));
        if (!cached) return null;
        Accuracy Measure(ShuffleNetV2OneShot measured) =>
            Evaluator.Measure(session, measured, path, test.Until(context.Cancel), ranks: context.Ranks);
        void AfterEpoch(int epoch)
        {
            if (spec.ValFrequency == 0 || epoch % spec.ValFrequency != 0) return;
            // Both or none are logged.
            Accuracy last = Measure(network);
            Accuracy? averaged = average == null ? null : Measure(average.Network);
            run.LogAccuracy(averaged: false, trainer.StepsDone, epoch, last);
            if (averaged != null) run.LogAccuracy(averaged: true, trainer.StepsDone, epoch, averaged.Value);
        }

        if (!run.Train(trainer, AfterEpoch, context.Cancel)) return null;

        Accuracy accuracy = Measure(average?.Network ?? network);
        long flops = NetworkFlops.Of(sizes).Of(path);
        MeasuredPictures pictures = MeasuredPictures.Of(test, context.Ranks);
        damage.Share(context.Ranks);
        run.WriteResult(new
        {
            architecture = path.Operations,
            channel_scales = path.HasScales ? path.Scales : (IReadOnlyList<int>?)null,
            flops,
            top1 = accuracy.Top1,
            top5 = accuracy.Top5,
            loss = accuracy.Loss,
            pictures = pictures.Count,
            left_out = pictures.LeftOut,
            averaged = average != null,
            classes = train.Classes,
            checkpoint = run.CheckpointPath,
        });
        double? lastTop1 = average == null ? null : Measure(network).Top1;
        return new ScratchResult(
            run.Folder, run.CheckpointPath, path, flops, accuracy, lastTop1, loaded != null, pictures, damage, run.Curve);
    }

    // The network's sizes, for now of two classes, and the architecture; and where they come from, if not from options alone.
    private static (NetworkSpec Spec, Architecture Path, NetworkOrigin? Origin) Network(
        ScratchSpec spec, CheckpointReader? loaded, Action<string> warn)
    {
        NetworkOrigin? checkpoint = loaded == null ? null : NetworkOrigin.Of(loaded), searched = null;
        string option = spec.ArchitectureOption;
        string? text = spec.Architecture ?? (loaded?.Header.Path == null ? DefaultArchitecture : null);
        if (text != null) (text, searched) = NetworkOrigin.OfArchitecture(text, $"--{option}", spec.Sizes.AreGiven || loaded != null, warn);
        NetworkOrigin? origin = checkpoint ?? searched;
        NetworkSpec network = spec.Sizes.Spec(2, affine: true, origin);
        if (searched != origin) searched?.RequireWidths(network, origin);
        Architecture? own = loaded?.Header.Path, path = text == null ? own
            : origin == null ? NamedArchitecture.ReadOfAnySet(text, network, option)
            : NamedArchitecture.Read(text, network.Space, option);
        if (own == null || own.Equals(path)) return (network, path!, origin);
        throw new UsageException(
            $"--{option}: {loaded!.Path} has the architecture {own}. Leave the option out, or start from a supernet's checkpoint.");
    }
}
