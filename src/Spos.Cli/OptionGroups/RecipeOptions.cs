using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of everything that trains: how weights begin, move and are seen by.</summary>
internal abstract class RecipeOptions : PhaseOptions
{
    [Option("total-iters", HelpText = "Train for this many steps, as the official code counts, instead of --epochs (default: by epochs).")]
    [InRange(1, TrainingSetup.MostSteps), Influences(Influence.Kept)]
    public long? TotalIters { get; set; }

    [Option("momentum", Default = 0.9f, HelpText = "Momentum of SGD.")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    public float Momentum { get; set; } = 0.9f;

    [Option("weight-decay", Default = 4e-5f, HelpText = "Weight decay of convolution and linear weights.")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    public float WeightDecay { get; set; } = 4e-5f;

    [Option("label-smoothing", Default = 0.1f, HelpText = "Label smoothing.")]
    [InRange(0, 1, BelowMost = true), Influences(Influence.Kept)]
    public float LabelSmoothing { get; set; } = 0.1f;

    [Option("warmup-steps", Default = 0, HelpText = "Steps over which the learning rate rises to its full value.")]
    [InRange(0, TrainingSetup.MostSteps), Influences(Influence.Kept)]
    public int WarmupSteps { get; set; }

    [Option("init", Default = InitialisationScheme.Official, HelpText =
        "Initial weights. Aligned: a block's three shuffle operations start as the same function, which small data needs.")]
    [Influences(Influence.Kept)]
    public InitialisationScheme Init { get; set; } = InitialisationScheme.Official;

    [Option("crop-min-area", Default = 0.08f, HelpText = "Least share of a picture that a random crop takes.")]
    [InRange(0, 1, AboveLeast = true), Influences(Influence.Kept)]
    public float CropMinArea { get; set; } = 0.08f;

    [Option("jitter", Default = 0.4f, HelpText = "Random change of brightness, contrast and saturation.")]
    [InRange(0, 1), Influences(Influence.Kept)]
    public float Jitter { get; set; } = 0.4f;

    [Option("flip", Default = 0.5f, HelpText = "Probability of mirroring a picture (0 for digits and letters).")]
    [InRange(0, 1), Influences(Influence.Kept)]
    public float Flip { get; set; } = 0.5f;

    [Option("log-frequency", Default = 10, HelpText = "Steps between lines of the log.")]
    [InRange(1, TrainingSetup.MostSteps), Influences(Influence.None)]
    public int LogFrequency { get; set; } = 10;

    [Option("save-frequency", Default = 0, HelpText = "Steps between checkpoints, besides the one after each epoch (0: none).")]
    [InRange(0, TrainingSetup.MostSteps), Influences(Influence.None)]
    public int SaveFrequency { get; set; }

    /// <summary>What is asked of the run besides its own options.</summary>
    /// <param name="change">What the verb has of the recipe besides.</param>
    protected TrainingSetup Training(
        RunKind kind, int epochs, int batchSize, float learningRate, Decay decay, Func<TrainingOptions, TrainingOptions>? change = null)
    {
        var recipe = new TrainingOptions
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
            Augmentation = new Augmentation { MinArea = CropMinArea, Jitter = Jitter, Flip = Flip },
        };
        return new TrainingSetup(Setup(kind), change == null ? recipe : change(recipe))
        {
            Init = Init,
            LogFrequency = LogFrequency,
            SaveFrequency = SaveFrequency,
        };
    }
}
