using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>The options of everything that trains: how weights begin, move and are seen by.</summary>
internal abstract class RecipeOptions : PhaseOptions
{
    /// <summary>The official learning rate of all trainings.</summary>
    internal const float DefaultLearningRate = 0.5f;

    // What the names of checkpoints can tell.
    private const int MostSteps = 99_999_999;

    [Option("total-iters", HelpText = "Train for this many steps, as the official code counts, instead of --epochs (default: by epochs).")]
    [InRange(1, MostSteps)]
    [Influences(Influence.Kept)]
    public long? TotalIters { get; set; }

    [Option("momentum", Default = 0.9f, HelpText = "Momentum of SGD.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float Momentum { get; set; } = 0.9f;

    [Option("weight-decay", Default = 4e-5f, HelpText = "Weight decay of convolution and linear weights.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float WeightDecay { get; set; } = 4e-5f;

    [Option("label-smoothing", Default = 0.1f, HelpText = "Label smoothing.")]
    [InRange(0, 1, BelowMost = true)]
    [Influences(Influence.Kept)]
    public float LabelSmoothing { get; set; } = 0.1f;

    [Option("warmup-steps", Default = 0, HelpText = "Steps over which the learning rate rises to its full value.")]
    [InRange(0, MostSteps)]
    [Influences(Influence.Kept)]
    public int WarmupSteps { get; set; }

    [Option("init", Default = InitialisationScheme.Official, HelpText = "Initial weights. Aligned: a block's three shuffle operations start as the same function, which small data needs.")]
    [Influences(Influence.Kept)]
    public InitialisationScheme Init { get; set; } = InitialisationScheme.Official;

    [Option("crop-min-area", Default = 0.08f, HelpText = "Least share of a picture that a random crop takes.")]
    [InRange(0, 1, AboveLeast = true)]
    [Influences(Influence.Kept)]
    public float CropMinArea { get; set; } = 0.08f;

    [Option("jitter", Default = 0.4f, HelpText = "Random change of brightness, contrast and saturation.")]
    [InRange(0, 1)]
    [Influences(Influence.Kept)]
    public float Jitter { get; set; } = 0.4f;

    [Option("flip", Default = 0.5f, HelpText = "Probability of mirroring a picture (0 for digits and letters).")]
    [InRange(0, 1)]
    [Influences(Influence.Kept)]
    public float Flip { get; set; } = 0.5f;

    [Option("log-frequency", Default = 10, HelpText = "Steps between lines of the log.")]
    [InRange(1, MostSteps)]
    [Influences(Influence.None)]
    public int LogFrequency { get; set; } = 10;

    [Option("save-frequency", Default = 0, HelpText = "Steps between checkpoints, besides the one after each epoch (0: none).")]
    [InRange(0, MostSteps)]
    [Influences(Influence.None)]
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
        Decoder = Decoder,
        Augmentation = new Augmentation { MinArea = CropMinArea, Jitter = Jitter, Flip = Flip },
    };

    protected TrainingOptions Training(IScratchOptions scratch) => Training(scratch.Epochs, scratch.BatchSize, scratch.LearningRate, scratch.LrDecay);

    /// <summary>What checkpoints keep of the data set.</summary>
    protected static TrainedOn TrainedOn(ImageFolder train, ImageFolder val) => new(train.Classes, train.Identity, val.Identity);

    /// <summary>What the options of how pictures are fed came to, and how many there are.</summary>
    protected IEnumerable<KeyValuePair<string, string>> PicturesCameTo(ImageFolder train) => new Dictionary<string, string>
    {
        [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(PreprocessingOf(null)),
        [OptionCheck.PicturesFact] = $"{train.Samples.Length} of {train.Classes.Length} classes",
    };

    /// <summary>Checks a training's length, and says what will hardly be meant.</summary>
    /// <param name="defaultBatchSize">The batch size that the default learning rate is meant for.</param>
    /// <param name="pictures">Pictures that it is trained on.</param>
    /// <exception cref="UsageException">It is too long.</exception>
    protected static void CheckSchedule(TrainingOptions training, int defaultBatchSize, int pictures)
    {
        long stepsPerEpoch = pictures / training.BatchSize, steps = training.TotalIters ?? stepsPerEpoch * training.Epochs;
        if (steps > MostSteps) throw new UsageException($"--epochs {training.Epochs}: these are {steps} steps; at most {MostSteps} are possible.");
        if (steps > 0 && training.WarmupSteps >= steps)
        {
            Hint($"--warmup-steps {training.WarmupSteps} is not shorter than the training's {steps} steps: the learning rate never gets to its full value. Warm up for fewer steps, or train longer.");
        }
        // Down to half of it the default is near enough.
        if (training.LearningRate.Equals(DefaultLearningRate) && training.BatchSize < defaultBatchSize / 2)
        {
            float scaled = DefaultLearningRate * training.BatchSize / defaultBatchSize;
            Hint($"--learning-rate {DefaultLearningRate} is meant for a --batch-size of {defaultBatchSize}; with {training.BatchSize} the loss may grow. In proportion it would be --learning-rate {scaled:0.####}.");
        }
    }

    private static void Hint(string message) => Notice.Warn($"hint: {message}");

    /// <summary>Checks options before anything is opened or written.</summary>
    protected static void Check(params Action[] checks)
    {
        try
        {
            foreach (Action check in checks) check();
        }
        catch (ArgumentException error)
        {
            throw new UsageException(error.Message);
        }
    }
}
