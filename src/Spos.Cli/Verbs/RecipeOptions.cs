using CommandLine;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>The options of everything that trains: how weights begin, move and are seen by.</summary>
internal abstract class RecipeOptions : PhaseOptions
{
    [Option("total-iters", HelpText = "Train for this many steps, as the official code counts, instead of --epochs (default: by epochs).")]
    public long? TotalIters { get; set; }

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

    [Option("save-frequency", Default = 0, HelpText = "Steps between checkpoints, besides the one after each epoch (0: none).")]
    public int SaveFrequency { get; set; }

    protected TrainingOptions Training(int epochs, int batchSize, float learningRate, Decay decay) => new()
    {
        Epochs = epochs,
        TotalIters = TotalIters,
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

    /// <summary>The options and the data that a resumed run must share with the run that it goes on with.</summary>
    protected Dictionary<string, string> RecipeForResume(ImageFolder train) => new()
    {
        ["total-iters"] = $"{TotalIters}",
        ["momentum"] = $"{Momentum}",
        ["weight-decay"] = $"{WeightDecay}",
        ["label-smoothing"] = $"{LabelSmoothing}",
        ["warmup-steps"] = $"{WarmupSteps}",
        ["init"] = $"{Init}",
        ["crop-min-area"] = $"{CropMinArea}",
        ["jitter"] = $"{Jitter}",
        ["flip"] = $"{Flip}",
        ["seed"] = $"{Seed}",
        [PreprocessingOption] = $"{SposPreprocessing}",
        ["plan"] = $"{Plan}".ToLowerInvariant(),
        ["training pictures"] = $"{train.Samples.Length} of {train.Classes.Length} classes",
    };

    /// <summary>Checks options before anything is opened or written.</summary>
    protected void Check(params Action[] checks)
    {
        try
        {
            if (LogFrequency < 1) throw new ArgumentException($"--log-frequency {LogFrequency}: at least 1 is needed.");
            if (SaveFrequency < 0) throw new ArgumentException($"--save-frequency {SaveFrequency}: at least 0.");
            foreach (Action check in checks) check();
        }
        catch (ArgumentException error)
        {
            throw new UsageException(error.Message);
        }
    }
}
