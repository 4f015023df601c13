using CommandLine;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Cli.Verbs;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class TrainOptions : RecipeOptions
{
    [Option("image-size", HelpText = "Height and width of the network's input (default: 224, or what a search or checkpoint that is given was made with).")]
    [InRange(32, 2048, MultipleOf = 32)]
    [Influences(Influence.Kept)]
    public int? ImageSize { get; set; }

    [Option("stem-channels", HelpText = "Channels after the first convolution (default: 16, or as --image-size).")]
    [InRange(1, 4096)]
    [Influences(Influence.Kept)]
    public int? StemChannels { get; set; }

    [Option("stage-repeats", Separator = ',', HelpText = "Choice blocks of the four stages (default: 4,4,8,4, or as --image-size).")]
    [InRange(1, 64, Count = 4)]
    [Influences(Influence.Kept)]
    public IEnumerable<int> StageRepeats { get; set; } = [];

    [Option("stage-channels", Separator = ',', HelpText = "Channels of the four stages (default: 64,160,320,640, or as --image-size).")]
    [InRange(2, 4096, MultipleOf = 2, Count = 4)]
    [Influences(Influence.Kept)]
    public IEnumerable<int> StageChannels { get; set; } = [];

    [Option("last-channels", HelpText = "Channels of the last convolution (default: 1024, or as --image-size).")]
    [InRange(1, 8192)]
    [Influences(Influence.Kept)]
    public int? LastChannels { get; set; }

    [Option("dropout", Default = 0.1f, HelpText = "Probability of dropping a feature before the classifier.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float Dropout { get; set; } = 0.1f;

    /// <summary>Whether an option tells any of the network's sizes.</summary>
    protected bool SizesAreGiven => (ImageSize ?? StemChannels ?? LastChannels) != null || StageRepeats.Any() || StageChannels.Any();

    /// <summary>The network that the options ask for. What they leave out is the origin's, or else official.</summary>
    /// <exception cref="UsageException">There is no such network, or it is not the origin's.</exception>
    protected NetworkSpec Spec(int classes, bool affine, NetworkOrigin? origin = null)
    {
        NetworkSpec basis = origin?.Network.Spec(classes) ?? new NetworkSpec();
        var spec = new NetworkSpec
        {
            ImageSize = ImageSize ?? basis.ImageSize,
            Classes = classes,
            StemChannels = StemChannels ?? basis.StemChannels,
            StageRepeats = StageRepeats.Any() ? [.. StageRepeats] : basis.StageRepeats,
            StageChannels = StageChannels.Any() ? [.. StageChannels] : basis.StageChannels,
            LastChannels = LastChannels ?? basis.LastChannels,
            Dropout = Dropout,
            Affine = affine,
        };
        origin?.RequireWidths(spec);
        try
        {
            spec.Validate();
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"--stage-channels, --stem-channels: {error.Message}");
        }
        return spec;
    }

    /// <summary>Refuses batches of more pixels than a tensor may have rows.</summary>
    internal static void CheckArea(int batchSize, int imageSize)
    {
        long most = Shape.MostRows / ((long)imageSize * imageSize);
        if (batchSize > most) throw new UsageException($"--batch-size {batchSize}: at --image-size {imageSize} at most {most} are possible.");
    }

    /// <summary>What the options of the network's sizes came to, those of the pictures, and a checkpoint that it begins from.</summary>
    /// <param name="loaded">The checkpoint that --load-checkpoint names; null without one.</param>
    protected IEnumerable<KeyValuePair<string, string>> CameTo(NetworkSpec spec, ImageFolder train, CheckpointReader? loaded) => PicturesCameTo(train).Concat(new Dictionary<string, string>
    {
        ["image-size"] = $"{spec.ImageSize}",
        ["stem-channels"] = $"{spec.StemChannels}",
        ["stage-repeats"] = string.Join(',', spec.StageRepeats),
        ["stage-channels"] = string.Join(',', spec.StageChannels),
        ["last-channels"] = $"{spec.LastChannels}",
        ["dropout"] = $"{spec.Dropout}",
        [OptionCheck.LoadFact] = loaded == null ? "" : Convert.ToHexString(loaded.Header.Sha256),
    });
}
