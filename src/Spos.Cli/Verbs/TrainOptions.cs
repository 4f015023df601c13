using CommandLine;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>The options that training a supernet and training from scratch share.</summary>
internal abstract class TrainOptions : DataOptions
{
    [Option("image-size", Default = 224, HelpText = "Height and width of the network's input, a multiple of 32.")]
    public int ImageSize { get; set; } = 224;

    [Option("stem-channels", Default = 16, HelpText = "Channels after the first convolution.")]
    public int StemChannels { get; set; } = 16;

    [Option("stage-repeats", Separator = ',', HelpText = "Choice blocks of the four stages (default: 4,4,8,4).")]
    public IEnumerable<int> StageRepeats { get; set; } = [];

    [Option("stage-channels", Separator = ',', HelpText = "Channels of the four stages (default: 64,160,320,640).")]
    public IEnumerable<int> StageChannels { get; set; } = [];

    [Option("last-channels", Default = 1024, HelpText = "Channels of the last convolution.")]
    public int LastChannels { get; set; } = 1024;

    [Option("dropout", Default = 0.1f, HelpText = "Probability of dropping a feature before the classifier.")]
    public float Dropout { get; set; } = 0.1f;

    [Option("momentum", Default = 0.9f, HelpText = "Momentum of SGD.")]
    public float Momentum { get; set; } = 0.9f;

    [Option("weight-decay", Default = 4e-5f, HelpText = "Weight decay of convolution and linear weights.")]
    public float WeightDecay { get; set; } = 4e-5f;

    [Option("label-smoothing", Default = 0.1f, HelpText = "Label smoothing.")]
    public float LabelSmoothing { get; set; } = 0.1f;

    [Option("warmup-steps", Default = 0, HelpText = "Steps over which the learning rate rises to its full value.")]
    public int WarmupSteps { get; set; }

    [Option("init", Default = InitialisationScheme.Official, HelpText = "Initial weights. Aligned: a block's three shuffle operations start as the same function, which small data needs.")]
    public InitialisationScheme Init { get; set; } = InitialisationScheme.Official;

    [Option("crop-min-area", Default = 0.08f, HelpText = "Least share of a picture that a random crop takes.")]
    public float CropMinArea { get; set; } = 0.08f;

    [Option("jitter", Default = 0.4f, HelpText = "Random change of brightness, contrast and saturation.")]
    public float Jitter { get; set; } = 0.4f;

    [Option("flip", Default = 0.5f, HelpText = "Probability of mirroring a picture (0 for digits and letters).")]
    public float Flip { get; set; } = 0.5f;

    [Option("log-frequency", Default = 10, HelpText = "Steps between lines of the log.")]
    public int LogFrequency { get; set; } = 10;

    [Option("resume", HelpText = "Go on from the newest checkpoint of the output folder.")]
    public bool Resume { get; set; }

    protected NetworkSpec Spec(int classes, bool affine)
    {
        var official = new NetworkSpec();
        return new NetworkSpec
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
    }

    protected TrainingOptions Training(int epochs, int batchSize, float learningRate, Decay decay) => new()
    {
        Epochs = epochs,
        BatchSize = batchSize,
        LearningRate = learningRate,
        Momentum = Momentum,
        WeightDecay = WeightDecay,
        LabelSmoothing = LabelSmoothing,
        WarmupSteps = WarmupSteps,
        Decay = decay,
        Seed = Seed,
        Workers = Workers,
        Preprocessing = PreprocessingOf(null),
        Augmentation = new Augmentation { MinArea = CropMinArea, Jitter = Jitter, Flip = Flip },
    };

    /// <summary>The options that a resumed run must share with the run that it goes on with.</summary>
    protected Dictionary<string, string> SharedResumeOptions() => new()
    {
        ["momentum"] = $"{Momentum}",
        ["weight-decay"] = $"{WeightDecay}",
        ["label-smoothing"] = $"{LabelSmoothing}",
        ["warmup-steps"] = $"{WarmupSteps}",
        ["crop-min-area"] = $"{CropMinArea}",
        ["jitter"] = $"{Jitter}",
        ["flip"] = $"{Flip}",
        ["seed"] = $"{Seed}",
        [PreprocessingOption] = $"{SposPreprocessing}",
        ["plan"] = $"{Plan}".ToLowerInvariant(),
    };

    /// <summary>Checks options before anything is opened or written.</summary>
    protected void Check(params Action[] checks)
    {
        try
        {
            if (LogFrequency < 1) throw new ArgumentException($"--log-frequency {LogFrequency}: at least 1 is needed.");
            foreach (Action check in checks) check();
        }
        catch (ArgumentException error)
        {
            throw new UsageException(error.Message);
        }
    }
}
