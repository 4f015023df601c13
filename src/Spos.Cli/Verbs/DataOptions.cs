using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;

namespace Spos.Cli.Verbs;

/// <summary>The options of every verb that reads pictures.</summary>
internal abstract class DataOptions : DeviceOptions
{
    /// <summary>What --help says of --decoder.</summary>
    internal const string DecoderHelp =
        "What decodes JPEGs: spos (libjpeg-turbo's pixels, bit for bit, on every device), "
        + "or nvjpeg (NVIDIA's library on --device cuda; pixels differ by a few levels, and so do results).";

    [Option(
        "imagenet-dir", Default = "./data/imagenet",
        HelpText = "Data set: a folder with train and val, each with one folder of pictures per class.")]
    [Input(PathKind.Folder)]
    [Influences(Influence.None)]
    public string ImagenetDir { get; set; } = "./data/imagenet";

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead. Results do not depend on it.")]
    [InRange(1, 256)]
    [Influences(Influence.None)]
    public int Workers { get; set; } = 2;

    [Option(OptionCheck.DecoderOption, Default = JpegDecoder.Spos, HelpText = DecoderHelp)]
    [Influences(Influence.Kept)]
    public JpegDecoder Decoder { get; set; } = JpegDecoder.Spos;

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    [Influences(Influence.Kept)]
    public ulong Seed { get; set; } = 42;

    [Option(
        PreprocessingRecord.Option, Default = false,
        HelpText = "Preprocess pictures as the official code does: blue, green, red, levels 0 to 255, OpenCV's resizing for validation. "
            + "A checkpoint remembers it.")]
    [Influences(Influence.Kept)]
    public bool SposPreprocessing { get; set; }

    [Option(
        "accept-changed-data", Default = false,
        HelpText = "Go on although the classes or pictures are not those that the checkpoint, "
            + "or the run in the output folder, was made with.")]
    [Influences(Influence.None)]
    public bool AcceptChangedData { get; set; }

    /// <summary>What a checkpoint's network was trained with, or what the options ask for.</summary>
    protected Preprocessing PreprocessingOf(CheckpointHeader? header) =>
        SposPreprocessing ? Preprocessing.Spos : PreprocessingRecord.Of(header);

    protected override Device OpenDevice(bool dry = false)
    {
        Device device = base.OpenDevice(dry);
        if (Decoder == JpegDecoder.NvJpeg) JpegDecoders.Require(device);
        return device;
    }

    /// <summary>train or val of the data set.</summary>
    protected ImageFolder OpenSplit(string split)
    {
        ImageFolder data = ImageFolder.Open(Path.Combine(ImagenetDir, split));
        foreach (string remark in data.Remarks) Notice.Warn($"{remark}");
        return data;
    }

    /// <summary>Training and validation pictures; both must have the same classes, two or more.</summary>
    protected (ImageFolder Train, ImageFolder Val) OpenBoth()
    {
        ImageFolder train = OpenSplit("train"), val = OpenSplit("val");
        string? odd = train.Classes.Except(val.Classes).Concat(val.Classes.Except(train.Classes)).FirstOrDefault();
        if (odd != null)
        {
            throw new DataException($"{ImagenetDir}: class '{odd}' is in only one of train and val. Both need the same class folders.");
        }
        if (train.Classes.Length >= 2) return (train, val);
        throw new DataException(
            $"{ImagenetDir}: train and val have one class, '{train.Classes[0]}'. "
            + "To tell pictures apart there must be two or more class folders.");
    }

    /// <summary>The row of a table of results for the JPEGs that nvJPEG has left; without a value if there are none.</summary>
    internal static (string Name, string? Value) RowOfRefused(DamageReport damage) =>
        ("left by nvJPEG", damage.Refused == 0 ? null : $"{damage.Refused} JPEGs, which Spos's own decoder decoded");

    internal static DamageReport Damage() => new(message => Notice.Warn($"{message}"));
}
