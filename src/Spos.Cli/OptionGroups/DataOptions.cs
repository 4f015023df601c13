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

    /// <summary>What --help says of --decode-scale.</summary>
    internal const string DecodeScaleHelp =
        "Decode a JPEG to half, a quarter or an eighth of its size where its crop then still has as many pixels as the network's input: "
        + "large pictures are decoded faster. Pixels differ by less than a level in the mean, and so results differ a little. "
        + "Not together with --cache.";

    /// <summary>What --help says of --cache.</summary>
    internal const string CacheHelp =
        "Keep decoded pictures in this folder, so that later epochs and runs need not decode them. The first run makes the cache, after it "
        + "has said how large it will be (default: no cache).";

    /// <summary>What --help says of --cache-size.</summary>
    internal const string CacheSizeHelp =
        "Shrink pictures in the cache to so many pixels of their shorter side. Results change a little (default: their full size, with the "
        + "same results as without a cache; ImageNet takes about 700 GB, and half of that with 256).";

    /// <summary>What --cache-size may be.</summary>
    internal const int LeastCacheSize = 16, MostCacheSize = 4096;

    [Option("imagenet-dir", Default = "./data/imagenet", HelpText =
        "Data set: a folder with train and val, each with one folder of pictures per class.")]
    [Input(PathKind.Folder), Influences(Influence.None)]
    public string ImagenetDir { get; set; } = "./data/imagenet";

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead. Results do not depend on it.")]
    [InRange(1, 256), Influences(Influence.None)]
    public int Workers { get; set; } = 2;

    [Option("cache", HelpText = CacheHelp)]
    [Output(PathKind.Folder, MayBeReadOnly = true), Influences(Influence.None)]
    public string? Cache { get; set; }

    [Option(KeptOptions.CacheSizeOption, HelpText = CacheSizeHelp)]
    [InRange(LeastCacheSize, MostCacheSize), Influences(Influence.Kept)]
    public int? CacheSize { get; set; }

    [Option(KeptOptions.DecoderOption, Default = JpegDecoder.Spos, HelpText = DecoderHelp)]
    [Influences(Influence.Kept)]
    public JpegDecoder Decoder { get; set; } = JpegDecoder.Spos;

    [Option(KeptOptions.DecodeScaleOption, Default = false, HelpText = DecodeScaleHelp)]
    [Influences(Influence.Kept)]
    public bool DecodeScale { get; set; }

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
    /// <exception cref="UsageException">Options contradict each other.</exception>
    protected DataSpec Data
    {
        get
        {
            CheckDecoding(Cache, CacheSize, Decoder, DecodeScale);
            return new DataSpec
            {
                Folder = ImagenetDir,
                Cache = Cache,
                CacheSize = CacheSize,
                Workers = Workers,
                Decoder = Decoder,
                DecodeScale = DecodeScale,
                Seed = Seed,
                OfficialPreprocessing = SposPreprocessing,
                AcceptChanged = AcceptChangedData,
                Found = new FoundPictures(),
            };
        }
    }

    /// <summary>Refuses options of the cache and of the decoder that contradict each other.</summary>
    /// <exception cref="UsageException">They do.</exception>
    internal static void CheckDecoding(string? folder, int? size, JpegDecoder decoder, bool scale)
    {
        if (scale && decoder != JpegDecoder.Spos)
        {
            throw new UsageException("--decode-scale needs --decoder spos: nvJPEG decodes pictures to their full size.");
        }
        if (scale && folder != null)
        {
            throw new UsageException(
                "--decode-scale and --cache exclude each other: a cache keeps whole pictures, and how far a JPEG is scaled depends on the "
                + "crop. --cache-size shrinks the pictures of a cache.");
        }
        if (folder == null && size != null) throw new UsageException("--cache-size needs --cache FOLDER, where shrunk pictures are kept.");
        if (folder == null || decoder == JpegDecoder.Spos) return;
        throw new UsageException("--cache needs --decoder spos: other pixels than that decoder's are not kept.");
    }

    protected override Device OpenDevice(DeviceName? one = null, bool dry = false)
    {
        Device device = base.OpenDevice(one, dry);
        if (Decoder == JpegDecoder.NvJpeg) JpegDecoders.Require(device);
        return device;
    }
}
