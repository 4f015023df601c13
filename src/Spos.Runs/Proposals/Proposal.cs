using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;

namespace Spos.Runs.Proposals;

/// <summary>
/// Options of the three phases that fit a data set: the official ones for a large one, and for others those that have been found by
/// experiment on thousands of small pictures (docs/imagenet.md#small-data-sets), with as many steps for fewer pictures.
/// </summary>
public sealed record Proposal
{
    /// <summary>The smallest batch that is proposed: batch norm takes its statistics from it.</summary>
    public const int LeastBatch = 8;

    // From so many pictures on the official options are proposed; those for small data sets were found with some thousand.
    private const int LargeSet = 100_000, MiddleSet = 2000;

    /// <summary>The network, without its classes' number.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>Whether the data set is small.</summary>
    public required bool IsSmall { get; init; }

    /// <summary>Pictures a step of the supernet.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Pictures a step from scratch: as many, or the official ones where there is room for the supernet's official ones.</summary>
    public int ScratchBatchSize => BatchSize == SupernetSpec.DefaultBatchSize ? ScratchSpec.DefaultBatchSize : BatchSize;

    /// <summary>Epochs of the supernet. A single path takes twice as many.</summary>
    public required int Epochs { get; init; }

    public int ScratchEpochs => 2 * Epochs;

    /// <summary>The share of train that is held out for the search.</summary>
    public required float HeldOut { get; init; }

    /// <summary>Training pictures, and those of them that the supernet is trained on.</summary>
    public required (int All, int Supernet) Pictures { get; init; }

    public int PathsPerStep => IsSmall ? 4 : 1;

    /// <summary>0.1 for a batch of 64, or the official one for the official batch, and in proportion for others.</summary>
    public float LearningRate => IsSmall ? 0.1f * BatchSize / 64 : Official(BatchSize, SupernetSpec.DefaultBatchSize);

    public float ScratchLearningRate => IsSmall ? LearningRate : Official(ScratchBatchSize, ScratchSpec.DefaultBatchSize);

    /// <summary>A tenth of the supernet's steps, and 100 at most.</summary>
    public int WarmupSteps => IsSmall ? (int)Math.Min(100, (long)Epochs * (Pictures.Supernet / BatchSize) / 10) : 0;

    /// <summary>Candidates of a generation.</summary>
    public int Population => IsSmall && Pictures.All < MiddleSet ? 24 : 50;

    public int Generations => !IsSmall ? 20 : Pictures.All < MiddleSet ? 5 : 10;

    /// <summary>Pictures of a batch that recalibrates batch norm.</summary>
    public int CalibrationBatch => Math.Min(128, Pictures.Supernet);

    /// <summary>Batches that recalibrate it.</summary>
    public int CalibrationBatches => IsSmall ? Math.Clamp(Pictures.Supernet / CalibrationBatch, 1, 8) : 200;

    /// <summary>Epochs from scratch between measurements on val.</summary>
    public int ValFrequency => IsSmall ? Math.Max(1, ScratchEpochs / 20) : 1;

    /// <summary>
    /// The shorter side to which a cache shrinks pictures, as much larger than the network's input as the official validation takes it;
    /// null without a cache, which pays for large pictures only.
    /// </summary>
    public int? CacheSize { get; init; }

    /// <summary>The sizes of the input that a data set's pictures are large enough for, from small to large.</summary>
    public static IReadOnlyList<int> ImageSizes(DataFacts data)
    {
        const int least = 32, small = 64, most = 224, step = 32;
        int largest = Math.Clamp(data.ShortSide / step * step, least, most);
        return largest < small ? [largest] : [.. Enumerable.Range(small / step, (largest - small) / step + 1).Select(n => n * step)];
    }

    /// <summary>Options for pictures that the network sees in a size.</summary>
    /// <exception cref="DataException">There are too few pictures.</exception>
    public static Proposal Of(DataFacts data, int imageSize)
    {
        bool small = data.Train < LargeSet;
        float heldOut = !small ? 0.05f : data.Train < MiddleSet ? 0.2f : 0.1f;
        int trained = data.ClassSizes.Sum(pictures => pictures - HeldOutSplit.CountOf(pictures, heldOut));
        if (trained < LeastBatch)
        {
            throw new DataException(
                $"{data.Train} training pictures are too few: {data.Train - trained} of them are held out for the search, and "
                + $"{LeastBatch} must be left at least. Some hundred are a beginning.");
        }
        return new Proposal
        {
            Network = small
                ? new NetworkSpec
                {
                    ImageSize = imageSize,
                    Classes = data.Classes,
                    StageRepeats = [2, 2, 4, 2],
                    StageChannels = [32, 80, 160, 320],
                    LastChannels = 512,
                }
                : new NetworkSpec { ImageSize = imageSize, Classes = data.Classes },
            IsSmall = small,
            BatchSize = !small ? SupernetSpec.DefaultBatchSize
                : trained >= 1000 ? 64 : trained >= 128 ? 32 : trained >= 64 ? 16 : LeastBatch,
            // Of few pictures each is seen more often, to make as many steps.
            Epochs = small ? Math.Clamp(160_000 / data.Train, 20, 120) : 120,
            HeldOut = heldOut,
            Pictures = (data.Train, trained),
            CacheSize = data.ShortSide >= 2 * imageSize ? (imageSize * 8 + 6) / 7 : null,
        };
    }

    private static float Official(int batchSize, int officialBatch) => TrainingSetup.DefaultLearningRate * batchSize / officialBatch;
}
