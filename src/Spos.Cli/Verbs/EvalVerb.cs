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

/// <summary>Evaluates a checkpoint.</summary>
[Verb("eval", HelpText = "Measure a checkpoint's accuracy on val; for a supernet, that of one architecture.")]
internal sealed class EvalVerb : DataOptions, IVerb
{
    [Option("checkpoint", Default = "runs/scratch", HelpText = "A checkpoint, or the folder of a run.")]
    [Input(PathKind.Any)]
    public string CheckpointPath { get; set; } = "runs/scratch";

    [Option("architecture", HelpText = "The path of a supernet to evaluate: a file or a list (default: the one that the checkpoint has).")]
    [Input(PathKind.File, OrArchitecture = true)]
    public string? ArchitectureText { get; set; }

    [Option("recalibrate", Default = false, HelpText = "Recalibrate batch norm on training pictures, as a supernet's always is.")]
    public bool Recalibrate { get; set; }

    [Option("train-iters", Default = 200, HelpText = "Training batches that recalibrate batch norm.")]
    [InRange(1, 100_000)]
    public int TrainIters { get; set; } = 200;

    [Option("train-batch-size", Default = 128, HelpText = "Pictures of a recalibration batch.")]
    [InRange(2, 65_536)]
    public int TrainBatchSize { get; set; } = 128;

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a test batch.")]
    [InRange(1, 65_536)]
    public int TestBatchSize { get; set; } = 512;

    [Option("weights", Default = WeightKind.Best, HelpText = "Which weights: the averaged ones of --ema-decay, those of the last step, or the best of what there is.")]
    public WeightKind Weights { get; set; } = WeightKind.Best;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Evaluate what was trained from scratch", new EvalVerb { ImagenetDir = "/data/imagenet", CheckpointPath = "runs/scratch" }),
    ];

    public int Run()
    {
        using CheckpointReader reader = CheckpointFolder.Open(CheckpointPath);
        (string checkpoint, CheckpointHeader header) = (reader.Path, reader.Header);
        Architecture path = (header.Path, ArchitectureText) switch
        {
            (null, null) => throw new UsageException($"{checkpoint} is a supernet: name the path to evaluate with --architecture."),
            (null, string text) => ArchitectureOption.Read(text, header.Spec.Space),
            (Architecture own, null) => own,
            (Architecture own, string text) => ArchitectureOption.Read(text, header.Spec.Space).Equals(own)
                ? own
                : throw new CheckpointException($"{checkpoint} is of another network: it has the architecture {own}."),
        };
        Device device = OpenDevice();
        ImageFolder val = OpenSplit("val");
        ClassCheck.Require(checkpoint, header, val, AcceptChangedData);
        DamageReport damage = Damage();

        using var session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        bool averaged = TrainedWeights.Load(reader, session, network, Weights), recalibrated = Recalibrate || header.Path == null;
        if (recalibrated)
        {
            using BatchSource calibration = EvaluationData.Calibration(device, OpenSplit("train"), header.Spec.ImageSize, TrainIters, TrainBatchSize, Workers, Seed, PreprocessingOf(header), Decoder, damage);
            Evaluator.Recalibrate(session, network, path, calibration);
        }
        using BatchSource test = EvaluationData.Test(device, val, header.Spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(header), Decoder, damage);
        Accuracy accuracy = Evaluator.Measure(session, network, path, test);
        ResultTable.Print(
            "Evaluation",
            ("checkpoint", checkpoint),
            ("architecture", $"{path}"),
            ("weights", averaged ? "averaged" : "those of the last step"),
            ("batch norm", recalibrated ? "recalibrated" : "as it was trained"),
            ("FLOPs", $"{NetworkFlops.Of(header.Spec).Of(path) / 1e6:0.##}M"),
            ("top-1 on val", $"{accuracy.Top1:0.00%}"),
            ("top-5 on val", $"{accuracy.Top5:0.00%}"),
            ("loss", $"{accuracy.Loss:0.0000}"),
            ("pictures", EvaluationData.Count(test)),
            ("damaged pictures", $"{damage}"),
            RowOfRefused(damage));
        return ExitCode.Success;
    }
}
