using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Writes a checkpoint in other programs' formats.</summary>
[Place(13)]
[Verb(
    "export",
    HelpText = "Write a checkpoint for PyTorch (pth, safetensors: the official names and shapes; pytorch: Python source that loads "
        + "its weights) or as an ONNX graph. The file says how pictures are fed to the network and what its classes are called. Or write "
        + "the candidates of a search as a journal that optuna and optuna-dashboard read (optuna).")]
[Example("Write what was trained from scratch as ONNX", "--output network.onnx")]
internal sealed class ExportVerb : DeviceOptions, IWeightsOption, IVerb
{
    [Option("checkpoint", Default = "runs/scratch", HelpText = "A checkpoint, or the folder of a run; for optuna that of a search.")]
    [Input(PathKind.Any)]
    public string CheckpointPath { get; set; } = "runs/scratch";

    [Option("format", HelpText =
        "The file's format (default: as the ending of --output says, .onnx, .safetensors, .py for pytorch or .log for optuna; else pth).")]
    public ExportFormat? Format { get; set; }

    [Option("output", HelpText =
        "The file (default: network with the format's ending, beside the checkpoint; for optuna journal.log in the folder). "
        + "Beside a pytorch file, which ends in .py, its weights are written, ending in .pth.")]
    [Output(PathKind.File)]
    public string? Output { get; set; }

    [Option("keep-batch-norm", Default = false, HelpText =
        "Leave batch norm in an ONNX graph as it is, instead of folding it into the convolutions.")]
    public bool KeepBatchNorm { get; set; }

    [Option("with-preprocessing", Default = false, HelpText =
        "Let an ONNX graph take pictures as they are, bytes [batch, height, width, 3] in the order red, green, blue: it resizes, crops and "
        + "normalises them to the same levels as spos eval.")]
    public bool WithPreprocessing { get; set; }

    public WeightKind Weights { get; set; } = WeightKind.Best;

    // The first one is what there is without an ending of another.
    private ExportFormat Chosen =>
        Format ?? Enum.GetValues<ExportFormat>().FirstOrDefault(format => NetworkExport.EndingOf(format) == Path.GetExtension(Output));

    public int Run()
    {
        if (Chosen == ExportFormat.Optuna) return RunOptuna();
        using CheckpointReader reader = CheckpointFolder.Open(CheckpointPath, Notice.Warn);
        (string checkpoint, CheckpointHeader header) = (reader.Path, reader.Header);
        string format = DeclaredOption.TextOf(Chosen)!;
        if (WithPreprocessing && Chosen != ExportFormat.Onnx)
        {
            throw new UsageException(
                $"--with-preprocessing is of ONNX graphs, and the format here is {format}. Add --format onnx, or leave it out.");
        }
        if (header.Path == null && header.Spec.BlockSet.HasScales)
        {
            throw new CheckpointException(
                $"{checkpoint} is a supernet with channel scales, which has no form in PyTorch: its operations share weights. "
                + "Train a path of it by spos scratch, and export that.");
        }
        if (Chosen is ExportFormat.Onnx or ExportFormat.Pytorch && header.Path == null)
        {
            throw new CheckpointException(
                $"{checkpoint} is a supernet: only a single path can be exported as {format}. "
                + "Use --format pth or safetensors, or train a path of it by spos scratch.");
        }
        string name = $"network{NetworkExport.EndingOf(Chosen)}";
        string output = Path.GetFullPath(Output ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!, name));
        string weights = NetworkExport.WeightsOf(output);
        RequireOutput(output, weights, format);
        using Session session = NewSession(OpenDevice());
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        bool averaged = TrainedWeights.Load(reader, session, network, Weights);
        double? top1 = MeasuredTop1.Of(checkpoint, header, averaged);
        NetworkExport.Write(Chosen, output, session, network, header, KeepBatchNorm, WithPreprocessing, top1);
        ResultTable.Print(
            "Exported",
            ("checkpoint", checkpoint),
            ("network", $"{header.Spec}"),
            ("kind", header.Path == null ? "supernet" : $"single path, {header.Path}"),
            ("weights", IWeightsOption.NameOf(averaged)),
            ("input", Chosen != ExportFormat.Onnx ? null : WithPreprocessing ? "pictures of any size, as bytes" : "preprocessed images"),
            ("class names", header.ClassNames == null ? "not known" : $"{header.ClassNames.Length}, in the file"),
            ("file", output),
            Chosen == ExportFormat.Pytorch ? ("weights' file", weights) : ("size", $"{new FileInfo(output).Length / 1e6:0.0} MB"));
        return ExitCode.Success;
    }

    private int RunOptuna()
    {
        if (WithPreprocessing || KeepBatchNorm)
        {
            throw new UsageException(
                $"--{(WithPreprocessing ? "with-preprocessing" : "keep-batch-norm")} is of ONNX graphs, and the format here is optuna. "
                + "Leave it out.");
        }
        SearchRecord search = SearchRecord.Of(CheckpointPath, "--checkpoint", Notice.Warn);
        string output = Path.GetFullPath(Output ?? Path.Combine(CheckpointPath, $"journal{NetworkExport.EndingOf(ExportFormat.Optuna)}"));
        OutputFile.Require(
            "--output", output, "a journal that spos export wrote", OutputFile.BeginsWith(OptunaJournal.Beginning));
        OptunaStudy study = OptunaJournal.Write(output, search, Notice.Warn);
        ResultTable.Print(
            "Exported",
            ("search", search.Folder),
            ("study", study.Study),
            ("objectives", string.Join(", ", study.Objectives)),
            ("trials", $"{study.Trials}"),
            ("best", $"{study.Best.Path}: top-1 {study.Best.Top1:0.00%}, {CostMeasure.Flops.TextOf(study.Best.Flops)}"),
            ("file", output));
        return ExitCode.Success;
    }

    private void RequireOutput(string output, string weights, string format)
    {
        string kind = $"a network in the format {format}";
        switch (Chosen)
        {
            case ExportFormat.Pth:
                OutputFile.Require("--output", output, kind, OutputFile.Is(FileFormat.TorchArchive));
                break;
            case ExportFormat.Safetensors:
                OutputFile.Require("--output", output, kind, OutputFile.Is(FileFormat.Safetensors));
                break;
            case ExportFormat.Onnx:
                OutputFile.Require("--output", output, kind, OutputFile.Is(FileFormat.Onnx));
                break;
            default:
                if (!output.EndsWith(NetworkExport.ModuleEnding, StringComparison.Ordinal))
                {
                    throw new UsageException(
                        $"--output {output}: the format {format} is Python source, whose file ends in {NetworkExport.ModuleEnding}.");
                }
                OutputFile.Require("--output", output, kind, OutputFile.BeginsWith(ModuleSource.Mark));
                OutputFile.Require("--output", weights, "a file of weights that spos export wrote", IsExport);
                break;
        }
    }

    // Nobody named the file of the weights, so it replaces no other checkpoint of PyTorch's, such as the one that was imported.
    private static bool IsExport(string path)
    {
        try
        {
            using TorchCheckpoint checkpoint = TorchCheckpoint.Open(path);
            return ExportRecord.From(checkpoint.Metadata, path) != null;
        }
        catch (TorchCheckpointException)
        {
            return false;
        }
    }
}
