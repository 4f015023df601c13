using System.Diagnostics.CodeAnalysis;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>What is asked of every run that leaves a folder, and goes on with what it has left there.</summary>
public record RunSetup
{
    public required DataSpec Data { get; init; }

    /// <summary>What computes convolutions.</summary>
    public ConvolutionPlan Plan { get; init; }

    /// <summary>What networks compute in, in training, recalibration and inference.</summary>
    public Precision Precision { get; init; }

    /// <summary>Where checkpoints, metrics and results go.</summary>
    public required string Folder { get; init; }

    /// <summary>There has to be something to go on with.</summary>
    public bool Resume { get; init; }

    /// <summary>It begins anew, and what there is of such a run is removed.</summary>
    public bool Restart { get; init; }

    /// <summary>
    /// All options by name, as records tell them. A run goes on with the same ones only, as far as what it keeps depends on them.
    /// </summary>
    public required IReadOnlyList<RunOption> Options { get; init; }

    /// <summary>Checks, before anything is opened, that this run can compute as it is told to, and may write where it is told to.</summary>
    /// <exception cref="UsageException">The options contradict each other, or the folder belongs to another run.</exception>
    internal void Require(RunKind kind)
    {
        DeviceUse.Require(Precision, Plan);
        if (Resume && Restart) throw new UsageException("--resume and --restart cannot be had together.");
        FolderContents output = FolderContents.Of(Folder);
        foreach (string split in new[] { "train", "val" })
        {
            string pictures = Path.GetFullPath(Path.Combine(Data.Folder, split));
            if (!$"{output.Folder}/".StartsWith($"{pictures}/", StringComparison.Ordinal)) continue;
            throw new UsageException(
                $"--output-dir {output.Folder} is in the data set, {pictures}: plots would become pictures of it. Choose another folder.");
        }
        output.RequireFor(kind);
    }
}

/// <summary>What is asked of every run that trains: how weights begin and move, and how often it tells and saves.</summary>
public sealed record TrainingSetup : RunSetup
{
    /// <summary>The official learning rate of all trainings.</summary>
    public const float DefaultLearningRate = 0.5f;

    /// <summary>The most steps of a training: what the names of checkpoints can tell.</summary>
    public const int MostSteps = 99_999_999;

    [SetsRequiredMembers]
    public TrainingSetup(RunSetup setup, TrainingOptions recipe)
        : base(setup) => Recipe = recipe;

    /// <summary>How weights move. Seed, workers, preprocessing and decoder are those of <see cref="RunSetup.Data"/>.</summary>
    public TrainingOptions Recipe { get; init; }

    public InitialisationScheme Init { get; init; }

    /// <summary>Steps between lines of the log.</summary>
    public int LogFrequency { get; init; } = 10;

    /// <summary>Steps between checkpoints, besides the one after each epoch; 0 for none.</summary>
    public int SaveFrequency { get; init; }

    /// <summary>What carries gradients between processes.</summary>
    public GradientTransport Transport { get; init; }

    /// <summary>The same, of a run whose network is fed as another one is, if that is as the official code does it.</summary>
    internal TrainingSetup FedAs(Preprocessing? other) => other == Preprocessing.Spos
        ? this with { Data = Data with { OfficialPreprocessing = true }, Options = PreprocessingRecord.Official(Options) }
        : this;

    /// <summary>The whole recipe.</summary>
    internal TrainingOptions Training => Recipe with
    {
        Seed = Data.Seed,
        Workers = Data.Workers,
        Preprocessing = Data.PreprocessingOf(null),
        Decoder = Data.Decoder,
        DecodeScale = Data.DecodeScale,
    };

    /// <summary>What the options of how pictures are fed came to, and how many there are.</summary>
    internal IEnumerable<KeyValuePair<string, string>> PicturesCameTo(ImageFolder train) => new Dictionary<string, string>
    {
        [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(Data.PreprocessingOf(null)),
        [KeptOptions.PicturesFact] = $"{train.Samples.Length} of {train.Classes.Length} classes",
    };

    /// <summary>Checks the recipe before anything is opened or written.</summary>
    /// <exception cref="UsageException">A value is out of its range.</exception>
    internal void Check() => Refusal.Of(Training.Validate);

    /// <summary>The steps of a training on so many pictures.</summary>
    internal long StepsOf(int pictures) => Recipe.TotalIters ?? (long)(pictures / Recipe.BatchSize) * Recipe.Epochs;

    /// <summary>Checks a training's length, and says what will hardly be meant.</summary>
    /// <param name="defaultBatchSize">The batch size that the default learning rate is meant for.</param>
    /// <param name="pictures">Pictures that it is trained on.</param>
    /// <exception cref="UsageException">It is too long.</exception>
    internal void CheckSchedule(int defaultBatchSize, int pictures, Action<string> warn)
    {
        int batchSize = Recipe.BatchSize;
        long steps = StepsOf(pictures);
        if (steps > MostSteps)
        {
            throw new UsageException(
                $"--epochs {Recipe.Epochs}: these are {steps} steps; at most {MostSteps} are possible.");
        }
        if (steps > 0 && Recipe.WarmupSteps >= steps)
        {
            warn(
                $"hint: --warmup-steps {Recipe.WarmupSteps} is not shorter than the training's {steps} steps: "
                + "the learning rate never gets to its full value. Warm up for fewer steps, or train longer.");
        }
        // Down to half of it the default is near enough.
        if (Recipe.LearningRate.Equals(DefaultLearningRate) && batchSize < defaultBatchSize / 2)
        {
            float scaled = DefaultLearningRate * batchSize / defaultBatchSize;
            warn(
                $"hint: --learning-rate {DefaultLearningRate} is meant for a --batch-size of {defaultBatchSize}; "
                + $"with {batchSize} the loss may grow. In proportion it would be --learning-rate {scaled:0.####}.");
        }
    }
}
