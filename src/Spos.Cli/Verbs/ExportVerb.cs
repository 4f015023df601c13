using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>The formats that networks are exported in.</summary>
internal enum ExportFormat
{
    /// <summary>What torch.save writes.</summary>
    Pth,

    /// <summary>Hugging Face's.</summary>
    Safetensors,

    /// <summary>A graph that runtimes run; single paths only.</summary>
    Onnx,
}

/// <summary>Writes a checkpoint in other programs' formats.</summary>
[Verb("export", HelpText = "Write a checkpoint for PyTorch (pth, safetensors: the official names and shapes) or as an ONNX graph. The file says how pictures are fed to the network and what its classes are called.")]
internal sealed class ExportVerb : DeviceOptions, IVerb
{
    [Option("checkpoint", Default = "runs/scratch", HelpText = "A checkpoint, or the folder of a run.")]
    [Input(PathKind.Any)]
    public string CheckpointPath { get; set; } = "runs/scratch";

    [Option("format", Default = ExportFormat.Pth, HelpText = "The file's format.")]
    public ExportFormat Format { get; set; } = ExportFormat.Pth;

    [Option("output", HelpText = "The file (default: network with the format's ending, beside the checkpoint).")]
    [Output(PathKind.File)]
    public string? Output { get; set; }

    [Option("keep-batch-norm", Default = false, HelpText = "Leave batch norm in an ONNX graph as it is, instead of folding it into the convolutions.")]
    public bool KeepBatchNorm { get; set; }

    [Option("weights", Default = WeightKind.Best, HelpText = "Which weights: the averaged ones of --ema-decay, those of the last step, or the best of what there is.")]
    public WeightKind Weights { get; set; } = WeightKind.Best;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
        [new("Write what was trained from scratch as ONNX", new ExportVerb { CheckpointPath = "runs/scratch", Format = ExportFormat.Onnx, Output = "network.onnx" })];

    public int Run()
    {
        using CheckpointReader reader = CheckpointFolder.Open(CheckpointPath);
        (string checkpoint, CheckpointHeader header) = (reader.Path, reader.Header);
        if (Format == ExportFormat.Onnx && header.Path == null) throw new CheckpointException($"{checkpoint} is a supernet: only a single path can be exported as ONNX.");
        string output = Path.GetFullPath(Output ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!, $"network.{Format.ToString().ToLowerInvariant()}"));
        OutputFile.Require("--output", output, $"a network in the format {Format.ToString().ToLowerInvariant()}", OutputFile.Is(Format switch
        {
            ExportFormat.Pth => FileFormat.TorchArchive,
            ExportFormat.Safetensors => FileFormat.Safetensors,
            _ => FileFormat.Onnx,
        }));
        using Session session = NewSession(OpenDevice());
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        bool averaged = TrainedWeights.Load(reader, session, network, Weights);
        ExportRecord record = RecordOf(header);
        switch (Format)
        {
            case ExportFormat.Pth:
                TorchWriter.Save(output, session, network, record);
                break;
            case ExportFormat.Safetensors:
                SafetensorsWriter.Save(output, session, network, record);
                break;
            default:
                OnnxWriter.Save(output, session, network, KeepBatchNorm, record);
                break;
        }
        ResultTable.Print(
            "Exported",
            ("checkpoint", checkpoint),
            ("network", $"{header.Spec}"),
            ("kind", header.Path == null ? "supernet" : $"single path, {header.Path}"),
            ("weights", averaged ? "averaged" : "those of the last step"),
            ("class names", header.ClassNames == null ? "not known" : $"{header.ClassNames.Length}, in the file"),
            ("file", output),
            ("size", $"{new FileInfo(output).Length / 1e6:0.0} MB"));
        return ExitCode.Success;
    }

    private static ExportRecord RecordOf(CheckpointHeader header)
    {
        bool official = PreprocessingRecord.Of(header) == Preprocessing.Spos;
        return WithPictures(new ExportRecord
        {
            ImageSize = header.ImageSize,
            OfficialPreprocessing = official,
            Dropout = header.Dropout,
            ClassNames = header.ClassNames,
            Architecture = header.Path,
            Flops = header.Path is { } path ? NetworkFlops.Of(header.Spec).Of(path) : null,
        });
    }

    /// <summary>The record with what its preprocessing subtracts and divides by.</summary>
    internal static ExportRecord WithPictures(ExportRecord record)
    {
        var plain = new ExportRecord { ImageSize = record.ImageSize, OfficialPreprocessing = record.OfficialPreprocessing };
        return record with
        {
            ChannelOrder = plain.ChannelOrder,
            ValueRange = plain.ValueRange,
            Mean = record.OfficialPreprocessing ? plain.Mean : ImageNetStatistics.Mean,
            Deviation = record.OfficialPreprocessing ? plain.Deviation : ImageNetStatistics.Deviation,
        };
    }
}
