using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Data;
using Spos.Engine.Supernet;

namespace Spos.Cli.Verbs;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class TrainOptions : RecipeOptions
{
    [Option("image-size", Default = 224, HelpText = "Height and width of the network's input.")]
    [InRange(32, 2048, MultipleOf = 32)]
    public int ImageSize { get; set; } = 224;

    [Option("stem-channels", Default = 16, HelpText = "Channels after the first convolution.")]
    [InRange(1, 4096)]
    public int StemChannels { get; set; } = 16;

    [Option("stage-repeats", Separator = ',', HelpText = "Choice blocks of the four stages (default: 4,4,8,4).")]
    [InRange(1, 64, Count = 4)]
    public IEnumerable<int> StageRepeats { get; set; } = [];

    [Option("stage-channels", Separator = ',', HelpText = "Channels of the four stages (default: 64,160,320,640).")]
    [InRange(2, 4096, MultipleOf = 2, Count = 4)]
    public IEnumerable<int> StageChannels { get; set; } = [];

    [Option("last-channels", Default = 1024, HelpText = "Channels of the last convolution.")]
    [InRange(1, 8192)]
    public int LastChannels { get; set; } = 1024;

    [Option("dropout", Default = 0.1f, HelpText = "Probability of dropping a feature before the classifier.")]
    [InRange(0, 1, BelowMost = true)]
    public float Dropout { get; set; } = 0.1f;

    protected NetworkSpec Spec(int classes, bool affine)
    {
        var official = new NetworkSpec();
        var spec = new NetworkSpec
        {
            ImageSize = ImageSize,
            Classes = classes,
            StemChannels = StemChannels,
            StageRepeats = StageRepeats.Any() ? [.. StageRepeats] : official.StageRepeats,
            StageChannels = StageChannels.Any() ? [.. StageChannels] : official.StageChannels,
            LastChannels = LastChannels,
            Dropout = Dropout,
            Affine = affine,
        };
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

    /// <summary>Refuses batches whose pixels the kernels' 32-bit numbers of rows cannot count.</summary>
    internal static void CheckArea(int batchSize, int imageSize)
    {
        long most = int.MaxValue / ((long)imageSize * imageSize);
        if (batchSize > most) throw new UsageException($"--batch-size {batchSize}: at --image-size {imageSize} at most {most} are possible.");
    }

    /// <summary>As <see cref="RecipeOptions.RecipeForResume"/>, with the network's sizes.</summary>
    protected Dictionary<string, string> TrainingForResume(NetworkSpec spec, ImageFolder train) => new(RecipeForResume(train))
    {
        ["image-size"] = $"{spec.ImageSize}",
        ["stem-channels"] = $"{spec.StemChannels}",
        ["stage-repeats"] = string.Join(',', spec.StageRepeats),
        ["stage-channels"] = string.Join(',', spec.StageChannels),
        ["last-channels"] = $"{spec.LastChannels}",
        ["dropout"] = $"{spec.Dropout}",
    };
}
