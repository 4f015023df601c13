using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of every verb that reads pictures.</summary>
internal abstract class DataOptions : DeviceOptions, IPrecisionOption
{
    /// <summary>What --help says of --decoder.</summary>
    internal const string DecoderHelp =
        "What decodes JPEGs: spos (libjpeg-turbo's pixels, bit for bit, on every device), "
        + "or nvjpeg (NVIDIA's library on --device cuda; pixels differ by a few levels, and so do results).";

    [Option("imagenet-dir", Default = "./data/imagenet", HelpText =
        "Data set: a folder with train and val, each with one folder of pictures per class.")]
    [Input(PathKind.Folder), Influences(Influence.None)]
    public string ImagenetDir { get; set; } = "./data/imagenet";

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead. Results do not depend on it.")]
    [InRange(1, 256), Influences(Influence.None)]
    public int Workers { get; set; } = 2;

    [Option(KeptOptions.DecoderOption, Default = JpegDecoder.Spos, HelpText = DecoderHelp)]
    [Influences(Influence.Kept)]
    public JpegDecoder Decoder { get; set; } = JpegDecoder.Spos;

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue), Influences(Influence.Kept)]
    public ulong Seed { get; set; } = 42;

    [Option(PreprocessingRecord.Option, Default = false, HelpText =
        "Preprocess pictures as the official code does: blue, green, red, levels 0 to 255, OpenCV's resizing for validation. "
        + "A checkpoint remembers it.")]
    [Influences(Influence.Kept)]
    public bool SposPreprocessing { get; set; }

    [Option("accept-changed-data", Default = false, HelpText =
        "Go on although the classes or pictures are not those that the checkpoint, "
        + "or the run in the output folder, was made with.")]
    [Influences(Influence.None)]
    public bool AcceptChangedData { get; set; }

    public Precision Precision { get; set; }

    /// <summary>The pictures, and how they are read.</summary>
    protected DataSpec Data => new()
    {
        Folder = ImagenetDir,
        Workers = Workers,
        Decoder = Decoder,
        Seed = Seed,
        OfficialPreprocessing = SposPreprocessing,
        AcceptChanged = AcceptChangedData,
    };

    protected override Device OpenDevice(bool dry = false)
    {
        Device device = base.OpenDevice(dry);
        if (Decoder == JpegDecoder.NvJpeg) JpegDecoders.Require(device);
        return device;
    }
}
