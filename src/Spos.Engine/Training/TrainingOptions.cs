using Spos.Engine.Data;
using Spos.Engine.Ops;

namespace Spos.Engine.Training;

/// <summary>How the learning rate falls to zero over the whole training.</summary>
public enum Decay
{
    Linear,
    Cosine,
}

/// <summary>The settings of a training run.</summary>
public sealed record TrainingOptions
{
    /// <summary>Fewest pictures that batch norm can learn from.</summary>
    public const int LeastBatch = 2;

    /// <summary>Passes over the training pictures, unless <see cref="TotalIters"/> says how many steps.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps of the whole training, as the official code counts; null to count epochs.</summary>
    public long? TotalIters { get; init; }

    public required int BatchSize { get; init; }

    public required float LearningRate { get; init; }

    public float Momentum { get; init; } = 0.9f;

    public float WeightDecay { get; init; } = 4e-5f;

    public float LabelSmoothing { get; init; } = 0.1f;

    public Decay Decay { get; init; } = Decay.Linear;

    /// <summary>Steps over which the learning rate rises to its full value.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>
    /// The parameter of mixup's beta distribution (arXiv 1710.09412): each step draws how much of each picture is its own; 0 does
    /// not mix.
    /// </summary>
    public float Mixup { get; init; }

    /// <summary>
    /// How the paths of a step learn from the guesses of the first one, which alone learns from labels and drops features (in-place
    /// distillation, BigNAS, arXiv 2003.11142); null if all learn from labels.
    /// </summary>
    public Divergence? Distillation { get; init; }

    public ulong Seed { get; init; }

    public int Workers { get; init; } = 2;

    public Augmentation Augmentation { get; init; } = new();

    public Preprocessing Preprocessing { get; init; }

    /// <inheritdoc cref="LoaderOptions.Decoder"/>
    public JpegDecoder Decoder { get; init; }

    /// <inheritdoc cref="LoaderOptions.DecodeScale"/>
    public bool DecodeScale { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (TotalIters < 1) throw new ArgumentException($"{TotalIters} steps: at least 1 is needed.");
        if (Epochs < 1) throw new ArgumentException($"{Epochs} epochs: at least 1 is needed.");
        if (BatchSize < LeastBatch) throw new ArgumentException($"batch size {BatchSize}: batch norm needs at least {LeastBatch}.");
        if (LearningRate is not (> 0 and < 100)) throw new ArgumentException($"learning rate {LearningRate} is not in (0, 100).");
        if (Momentum is not (>= 0 and < 1)) throw new ArgumentException($"momentum {Momentum} is not in [0, 1).");
        if (WeightDecay is not (>= 0 and < 1)) throw new ArgumentException($"weight decay {WeightDecay} is not in [0, 1).");
        if (LabelSmoothing is not (>= 0 and < 1)) throw new ArgumentException($"label smoothing {LabelSmoothing} is not in [0, 1).");
        if (Mixup is not (>= 0 and <= 100)) throw new ArgumentException($"mixup {Mixup} is not in [0, 100].");
        if (WarmupSteps < 0) throw new ArgumentException($"{WarmupSteps} warm-up steps: at least 0.");
        if (Workers < 1) throw new ArgumentException($"{Workers} workers: at least 1 is needed.");
        Augmentation.Validate();
    }

    /// <summary>The learning rate of a step, counted from 0.</summary>
    public float LearningRateAt(long step, long steps)
    {
        double done = (double)step / steps;
        double factor = Decay == Decay.Linear ? 1 - done : (1 + Math.Cos(Math.PI * done)) / 2;
        double warm = step < WarmupSteps ? (step + 1.0) / WarmupSteps : 1;
        return (float)(LearningRate * factor * warm);
    }

    /// <summary>How the training folder is read.</summary>
    public LoaderOptions Loader(int imageSize) => new()
    {
        ImageSize = imageSize,
        BatchSize = BatchSize,
        Workers = Workers,
        Seed = Seed,
        Augmentation = Augmentation,
        Preprocessing = Preprocessing,
        Decoder = Decoder,
        DecodeScale = DecodeScale,
        Shuffle = true,
        DropLast = true,
    };
}
