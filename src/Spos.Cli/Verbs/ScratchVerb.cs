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

/// <summary>Phase 3: trains one architecture from scratch.</summary>
[Verb("scratch", HelpText = "Phase 3: train the architecture that was found from scratch, and evaluate it.")]
internal sealed class ScratchVerb : TrainOptions, IScratchOptions, IVerb
{
    private const int MostTestBatch = 512;
    private const string DefaultArchitecture = $"runs/search/{NetworkOrigin.ArchitectureName}";

    [Option("architecture", HelpText = "The architecture: a search's folder or a file in it, whose network's sizes and preprocessing count too; another file (NNI's JSON, megvii's arch.pkl or a list); or a list such as \"2 1 0 1 …\" (default: that of --load-checkpoint, or runs/search/architecture_final.json).")]
    [Input(PathKind.Any, OrArchitecture = true)]
    [Influences(Influence.Kept)]
    public string? ArchitectureText { get; set; }

    [Option("load-checkpoint", HelpText = "Fine-tune: start from the weights of this checkpoint, or of the newest one of this folder, and take its sizes. A single path brings its architecture; of a supernet, the path that --architecture says is inherited. For other classes the classifier begins anew (default: from random weights).")]
    [Input(PathKind.Any)]
    [Influences(Influence.Kept)]
    public string? LoadCheckpoint { get; set; }

    [Option("fixed-arc", HelpText = "The same as --architecture, by its older name (default: what --architecture says).")]
    [Input(PathKind.Any, OrArchitecture = true)]
    [Influences(Influence.None)]
    public string? FixedArc { get; set; }

    [Option("ema-decay", Default = 0f, HelpText = "Keep a moving average of the weights with this decay, such as 0.9999, and use it for the result (0: none).")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float EmaDecay { get; set; }

    [Option("mixup", Default = 0f, HelpText = "Mix pictures in pairs, by shares of a beta distribution of this parameter, such as 0.2 (0: do not).")]
    [InRange(0, 100)]
    [Influences(Influence.Kept)]
    public float Mixup { get; set; }

    [Option("random-erasing", Default = 0f, HelpText = "Probability of erasing a random rectangle of a picture, such as 0.25.")]
    [InRange(0, 1)]
    [Influences(Influence.Kept)]
    public float RandomErasing { get; set; }

    [Option("val-frequency", Default = 1, HelpText = "Epochs between measurements on val (0: only at the end).")]
    [InRange(0, 100_000)]
    [Influences(Influence.Later)]
    public int ValFrequency { get; set; } = 1;

    [Option("test-batch-size", HelpText = "Pictures of a batch of val (default: 512, or --batch-size if that is smaller: what could be trained on fits).")]
    [InRange(1, 65_536)]
    [Influences(Influence.None)]
    public int? TestBatchSize { get; set; }

    public int Epochs { get; set; } = IScratchOptions.DefaultEpochs;

    public int BatchSize { get; set; } = IScratchOptions.DefaultBatchSize;

    public float LearningRate { get; set; } = DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Train the winner of a search on ImageNet", new ScratchVerb { ImagenetDir = "/data/imagenet", ArchitectureText = "runs/search" }),
    ];

    public int Run()
    {
        Check(Recipe().Validate);
        RequireFolder(RunKind.Scratch);
        using CheckpointReader? loaded = LoadCheckpoint == null ? null : CheckpointFolder.Open(LoadCheckpoint);
        (NetworkSpec shape, Architecture path, NetworkOrigin? origin) = Network(loaded);
        CheckArea(BatchSize, shape.ImageSize);
        TrainingOptions training = Recipe();
        Device device = OpenDevice();
        (ImageFolder train, ImageFolder val) = OpenBoth();
        CheckSchedule(training, IScratchOptions.DefaultBatchSize, train.Samples.Length);
        NetworkSpec spec = shape with { Classes = train.Classes.Length };
        using RunFolder folder = OpenFolder(RunKind.Scratch);
        DamageReport damage = Damage();

        using var session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        using WeightAverage? average = EmaDecay > 0 ? new WeightAverage(session, network, EmaDecay) : null;
        var trainer = new Trainer(session, network, train, training, _ => [path], damage);
        var kept = new KeptOptions(this, CameTo(spec, train, loaded).Append(new("architecture", $"{path}")));
        using var run = new TrainingRun("scratch", session, network, folder, kept, TrainedOn(train, val), Start) { LogFrequency = LogFrequency, SaveFrequency = SaveFrequency, Average = average };
        string begun = loaded == null ? $"Training {path} from scratch" : $"Fine-tuning {path} from {loaded.Path}";
        Notice.Say($"{begun}: {spec}; {train.Samples.Length} pictures; on {Describe(device)}.");
        if (origin != null) Notice.Say(string.Join(' ', origin.Differences(spec, PreprocessingOf(null)).Prepend($"Sizes and preprocessing are those of {origin.Source}.")));
        run.Begin(trainer, () =>
        {
            Initialisation.Initialise(network, session.Stream, Seed, Init);
            if (loaded != null) Inherit(session, loaded, network, train);
        });
        RunRecord.Write(folder, this, device, NetworkRecord.Of(spec, PreprocessingOf(null)), train.Classes);
        using BatchSource test = EvaluationData.Test(device, val, spec.ImageSize, TestBatchSize ?? Math.Min(MostTestBatch, BatchSize), Workers, PreprocessingOf(null), Decoder, damage);
        trainer.ReservedBytes = () => test.BytesToKeep;
        using var stop = new StopSignal();
        Accuracy Measure(ShuffleNetV2OneShot measured) => Evaluator.Measure(session, measured, path, test.Until(stop.Token));
        void AfterEpoch(int epoch)
        {
            if (ValFrequency == 0 || epoch % ValFrequency != 0) return;
            // Both or none are logged.
            Accuracy last = Measure(network);
            Accuracy? averaged = average == null ? null : Measure(average.Network);
            run.LogAccuracy("val", trainer.StepsDone, epoch, last);
            if (averaged != null) run.LogAccuracy("ema", trainer.StepsDone, epoch, averaged.Value);
        }

        if (!run.Train(trainer, AfterEpoch, stop.Token)) return ExitCode.Stopped;

        Accuracy accuracy = Measure(average?.Network ?? network);
        long flops = NetworkFlops.Of(spec).Of(path);
        folder.WriteResult(new
        {
            architecture = path.Blocks,
            flops,
            top1 = accuracy.Top1,
            top5 = accuracy.Top5,
            loss = accuracy.Loss,
            pictures = test.Pictures,
            left_out = test.LeftOut,
            averaged = average != null,
            classes = train.Classes,
            checkpoint = run.CheckpointPath,
        });
        ResultTable.Print(
            loaded == null ? "Trained from scratch" : "Fine-tuned",
            [
                ("architecture", $"{path}"),
                ("FLOPs", $"{flops / 1e6:0.##}M"),
                ("top-1 on val", $"{accuracy.Top1:0.00%}"),
                ("top-5 on val", $"{accuracy.Top5:0.00%}"),
                .. average == null ? [] : new[] { ("weights", "averaged"), ("top-1 of the last ones", $"{Measure(network).Top1:0.00%}") },
                ("pictures", EvaluationData.Count(test)),
                ("damaged pictures", $"{damage}"),
                RowOfRefused(damage),
                ("checkpoint", run.CheckpointPath),
                ("plot", run.Plot() ?? "none"),
            ]);
        return ExitCode.Success;
    }

    private TrainingOptions Recipe()
    {
        TrainingOptions plain = Training(this);
        return plain with { Mixup = Mixup, Augmentation = plain.Augmentation with { Erasing = RandomErasing } };
    }

    // The network's sizes, for now of two classes, and the architecture; and where they come from, if not from options alone. Its
    // preprocessing becomes that of the options.
    private (NetworkSpec Spec, Architecture Path, NetworkOrigin? Origin) Network(CheckpointReader? loaded)
    {
        NetworkOrigin? checkpoint = loaded == null ? null : NetworkOrigin.Of(loaded), searched = null;
        string option = FixedArc == null ? "architecture" : "fixed-arc";
        string? text = FixedArc ?? ArchitectureText ?? (loaded?.Header.Path == null ? DefaultArchitecture : null);
        if (text != null) (text, searched) = NetworkOrigin.OfArchitecture(text, $"--{option}", SizesAreGiven || loaded != null);
        NetworkOrigin? origin = checkpoint ?? searched;
        NetworkSpec spec = Spec(2, affine: true, origin);
        if (searched != origin) searched?.RequireWidths(spec);
        SposPreprocessing |= origin?.Network.Preprocessing == Preprocessing.Spos;
        Architecture? own = loaded?.Header.Path, path = text == null ? own : ArchitectureOption.Read(text, spec.Space, option);
        return own == null || own.Equals(path) ? (spec, path!, origin) : throw new UsageException($"--{option}: {loaded!.Path} has the architecture {own}. Leave the option out, or start from a supernet's checkpoint.");
    }

    private static void Inherit(Session session, CheckpointReader loaded, ShuffleNetV2OneShot network, ImageFolder data)
    {
        CheckpointHeader header = loaded.Header;
        string? other = header.Classes != data.Classes.Length
            ? $"tells {header.Classes} classes apart, and the data set has {data.Classes.Length}"
            : header.ClassNames == null ? null : ClassCheck.Difference(header.ClassNames, data.Classes) is { } names ? $"was trained on other classes: {names}" : null;
        if (other != null) Notice.Say($"The classifier begins anew: {loaded.Path} {other}.");
        using var from = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        TrainedWeights.Load(loaded, session, from, WeightKind.Best);
        Inheritance.Copy(session, from, network, classifier: other == null);
    }
}
