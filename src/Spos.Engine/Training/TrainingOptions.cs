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

    /// <summary>The most <see cref="Shards"/>.</summary>
    public const int MostShards = 1024;

    /// <summary>Passes over the training pictures, unless <see cref="TotalIters"/> says how many steps.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps of the whole training, as the official code counts; null to count epochs.</summary>
    public long? TotalIters { get; init; }

    public required int BatchSize { get; init; }

    /// <summary>
    /// Parts of equal size that a batch is divided into. Batch norm's statistics, random numbers, mixup's pairs and losses are a shard's,
    /// and gradients are the mean of the shards': results depend on how many there are, and not on who computes them.
    /// </summary>
    public int Shards { get; init; } = 1;

    /// <summary>Pictures of a shard.</summary>
    public int ShardSize => BatchSize / Shards;

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
        if (Shards is < 1 or > MostShards) throw new ArgumentException($"{Shards} shards: 1 to {MostShards} are possible.");
        if (BatchSize % Shards != 0)
        {
            throw new ArgumentException(
                $"--batch-size {BatchSize} cannot be divided into --shards {Shards} equal parts: take a multiple of {Shards}, such as "
                + $"{Math.Max(BatchSize / Shards, LeastBatch) * Shards}.");
        }
        if (ShardSize < LeastBatch)
        {
            throw new ArgumentException(
                $"--batch-size {BatchSize} in --shards {Shards}: batch norm needs at least {LeastBatch} pictures of each shard.");
        }
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

    /// <summary>How the training folder is read, shard by shard.</summary>
    /// <param name="own">The shards of each batch that are read; null for all.</param>
    public LoaderOptions Loader(int imageSize, ShardRange? own = null) => new()
    {
        ImageSize = imageSize,
        BatchSize = ShardSize,
        Share = new BatchShare(Shards, own?.First ?? 0, own?.Count ?? Shards),
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
