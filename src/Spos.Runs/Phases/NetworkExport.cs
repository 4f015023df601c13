using System.Text;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>The formats that networks are exported in, and searches.</summary>
public enum ExportFormat
{
    /// <summary>What torch.save writes.</summary>
    Pth,

    /// <summary>Hugging Face's.</summary>
    Safetensors,

    /// <summary>A graph that runtimes run; single paths only.</summary>
    Onnx,

    /// <summary>A Python module with the network's source, and its weights as pth beside it; single paths only.</summary>
    Pytorch,

    /// <summary>A search's candidates as a journal of Optuna's (<see cref="OptunaJournal"/>); no networks.</summary>
    Optuna,
}

/// <summary>Writes networks in other programs' formats.</summary>
public static class NetworkExport
{
    /// <summary>What the names of Python modules end with, and those of their weights' files.</summary>
    public const string ModuleEnding = ".py", WeightsEnding = ".pth";

    /// <summary>What the name of a file of a format ends with.</summary>
    public static string EndingOf(ExportFormat format) => format switch
    {
        ExportFormat.Pth => WeightsEnding,
        ExportFormat.Safetensors => ".safetensors",
        ExportFormat.Onnx => ".onnx",
        ExportFormat.Optuna => ".log",
        _ => ModuleEnding,
    };

    /// <summary>The file of the weights beside a Python module's.</summary>
    public static string WeightsOf(string module) => Path.ChangeExtension(module, WeightsEnding);

    /// <summary>Writes a network, whole or not at all.</summary>
    /// <param name="header">Of the checkpoint that the network was loaded from.</param>
    /// <param name="keepBatchNorm">Whether an ONNX graph has batch norm as it is, instead of folded into the convolutions.</param>
    /// <param name="withPreprocessing">Whether an ONNX graph takes pictures as they are, and preprocesses them itself.</param>
    /// <param name="top1">On val, from 0 to 1; null where it is not known.</param>
    /// <exception cref="WriteException">It could not be written.</exception>
    public static void Write(
        ExportFormat format, string output, Session session, ShuffleNetV2OneShot network, CheckpointHeader header,
        bool keepBatchNorm = false, bool withPreprocessing = false, double? top1 = null)
    {
        ExportRecord record = RecordOf(header) with { Top1 = top1 };
        switch (format)
        {
            case ExportFormat.Pth:
                TorchWriter.Save(output, session, network, record);
                break;
            case ExportFormat.Pytorch:
                string weights = WeightsOf(output);
                byte[] source = Encoding.UTF8.GetBytes(ModuleSource.Of(header.Spec, header.Path!, record, Path.GetFileName(weights)));
                AtomicFile.WriteTogether(
                    (weights, TorchWriter.WriterOf(session, network, record)), (output, stream => stream.Write(source)));
                break;
            case ExportFormat.Safetensors:
                SafetensorsWriter.Save(output, session, network, record);
                break;
            case ExportFormat.Onnx:
                OnnxWriter.Save(output, session, network, keepBatchNorm, record, withPreprocessing);
                break;
            default:
                throw new ArgumentException($"{format} is no format of networks.");
        }
    }

    private static ExportRecord RecordOf(CheckpointHeader header)
    {
        bool official = PreprocessingRecord.Of(header) == Preprocessing.Spos;
        return PreprocessingRecord.WithPictures(new ExportRecord
        {
            ImageSize = header.ImageSize,
            OfficialPreprocessing = official,
            Dropout = header.Dropout,
            Classes = header.Classes,
            ClassNames = header.ClassNames,
            Architecture = header.Path,
            Flops = header.Path is { } path ? NetworkFlops.Of(header.Spec).Of(path) : null,
        });
    }
}
