using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>Phase 3: trains one architecture from scratch.</summary>
[Verb("scratch", HelpText = "Phase 3: train the architecture that was found from scratch, and evaluate it.")]
internal sealed class ScratchVerb : TrainOptions, IVerb
{
    [Option("architecture", Default = "runs/search/architecture_final.json", HelpText = "The architecture: a file (NNI's JSON or a list), or a list such as \"2 1 0 1 …\".")]
    public string ArchitectureText { get; set; } = "runs/search/architecture_final.json";

    [Option("epochs", Default = 240, HelpText = "Passes over the training pictures.")]
    public int Epochs { get; set; } = 240;

    [Option("batch-size", Default = 1024, HelpText = "Pictures a step.")]
    public int BatchSize { get; set; } = 1024;

    [Option("learning-rate", Default = 0.5f, HelpText = "Learning rate at the start.")]
    public float LearningRate { get; set; } = 0.5f;

    [Option("lr-decay", Default = Decay.Linear, HelpText = "How the learning rate falls to 0.")]
    public Decay LrDecay { get; set; } = Decay.Linear;

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a batch of the final test.")]
    public int TestBatchSize { get; set; } = 512;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Train the winner of a search on ImageNet", new ScratchVerb { ImagenetDir = "/data/imagenet", ArchitectureText = "runs/search/architecture_final.json" }),
    ];

    public int Run()
    {
        NetworkSpec shape = Spec(2, affine: true);
        TrainingOptions training = Training(Epochs, BatchSize, LearningRate, LrDecay);
        Check(shape.Validate, training.Validate);
        Architecture path = ReadArchitecture(ArchitectureText, shape.Blocks);
        Device device = OpenDevice();
        (ImageFolder train, ImageFolder val) = OpenBoth();
        NetworkSpec spec = shape with { Classes = train.Classes.Length };
        var folder = new RunFolder(OutputDir ?? "runs/scratch");
        DamageReport damage = Damage();

        using var session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        var trainer = new Trainer(session, network, train, training, _ => [path], damage);
        var run = new TrainingRun("scratch", session, network, folder, ResumeOptions());
        Console.WriteLine($"Training {path} from scratch: {spec}; {train.Samples.Length} pictures; on {Describe(device)}.");
        run.Begin(trainer, Resume, () => Initialisation.Initialise(network, session.Stream, Seed, Init));
        using var stop = new StopSignal();
        if (!run.Train(trainer, LogFrequency, stop.Token)) return Program.Stopped;

        using BatchSource test = EvaluationData.Test(device, val, spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(null), damage);
        Accuracy accuracy = Evaluator.Measure(session, network, path, test);
        folder.Log(new { val_top1 = accuracy.Top1, val_top5 = accuracy.Top5, val_loss = accuracy.Loss });
        ResultTable.Print(
            "Trained from scratch",
            ("architecture", $"{path}"),
            ("FLOPs", $"{new FlopsTable(spec).Of(path) / 1e6:0.##}M"),
            ("top-1 on val", $"{accuracy.Top1:0.00%}"),
            ("top-5 on val", $"{accuracy.Top5:0.00%}"),
            ("pictures", $"{accuracy.Images}"),
            ("damaged pictures", $"{damage.Files}"),
            ("checkpoint", run.CheckpointPath),
            ("plot", run.Plot() ?? "none"));
        return Program.Success;
    }

    /// <summary>Reads a file, or else the text itself.</summary>
    /// <exception cref="UsageException">Neither is an architecture of that many blocks.</exception>
    internal static Architecture ReadArchitecture(string text, int blocks)
    {
        try
        {
            bool list = text.All(c => char.IsAsciiDigit(c) || c is ' ' or ',' or '[' or ']');
            Architecture path = list ? Architecture.Parse(text) : ArchitectureFile.Read(text);
            return path.Blocks.Length == blocks ? path : throw new FormatException($"it has {path.Blocks.Length} blocks; the network has {blocks}.");
        }
        catch (FormatException error)
        {
            throw new UsageException($"--architecture {text}: {error.Message}");
        }
    }

    private Dictionary<string, string> ResumeOptions() => new(SharedResumeOptions())
    {
        ["epochs"] = $"{Epochs}",
        ["batch-size"] = $"{BatchSize}",
        ["learning-rate"] = $"{LearningRate}",
        ["lr-decay"] = $"{LrDecay}",
    };
}
