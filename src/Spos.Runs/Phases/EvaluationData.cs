using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Engine.Training;

namespace Spos.Runs.Phases;

/// <summary>How many pictures were measured.</summary>
public readonly record struct MeasuredPictures(int Count, int LeftOut)
{
    public static MeasuredPictures Of(BatchSource test) => new(test.Pictures, test.LeftOut);

    /// <summary>Those of all processes, each of which has a share.</summary>
    public static MeasuredPictures Of(BatchSource test, IRanks ranks)
    {
        int[][] all = ranks.GatherAll<int>([test.Pictures, test.LeftOut]);
        return new(all.Sum(own => own[0]), all.Sum(own => own[1]));
    }

    /// <summary>As a table shows it.</summary>
    public override string ToString() => LeftOut == 0 ? $"{Count}" : $"{Count}; {LeftOut} left out, which cannot be decoded";
}

/// <summary>The pictures that candidates and trained networks are measured on.</summary>
internal sealed class EvaluationData(Device device, int imageSize, DataSpec data, Preprocessing preprocessing, DamageReport damage)
{
    // Batches are kept on the device if they take no more than this.
    private const long KeepBytes = 2L << 30;

    /// <summary>Training pictures as they are, in a fixed random order, to recalibrate batch norm with.</summary>
    /// <exception cref="DataException">There are fewer pictures than a batch takes.</exception>
    public BatchSource Calibration(ImageFolder train, int batches, int batchSize, ulong seed)
    {
        RequireBatch(train, batchSize, "--train-batch-size");
        LoaderOptions loader = Loader(batchSize) with { Seed = seed, Shuffle = true, DropLast = true };
        return new BatchSource(device, train, loader, damage, batches, KeepBytes);
    }

    /// <summary>All pictures that can be decoded, to measure accuracy on.</summary>
    /// <param name="keeps">Whether they may be asked for more than once, so that it is worth keeping them.</param>
    /// <param name="ranks">The processes that share the batches; null for all of them.</param>
    public BatchSource Test(ImageFolder pictures, int batchSize, bool keeps = true, IRanks? ranks = null)
    {
        BatchShare share = ranks == null ? BatchShare.All : new BatchShare(ranks.Count, ranks.Rank, 1);
        LoaderOptions loader = Loader(batchSize) with { LeaveOutDamaged = true, Share = share };
        return new BatchSource(device, pictures, loader, damage, int.MaxValue, keeps ? KeepBytes : 0);
    }

    /// <summary>Throws unless there are pictures for a whole batch.</summary>
    /// <param name="option">The option that says how many a batch has.</param>
    /// <exception cref="DataException">There are fewer.</exception>
    public static void RequireBatch(ImageFolder pictures, int batchSize, string option)
    {
        if (pictures.Samples.Length >= batchSize) return;
        throw new DataException(
            $"{pictures.Root}: {pictures.Samples.Length} pictures are fewer than a batch of {batchSize}. Lower {option}.");
    }

    private LoaderOptions Loader(int batchSize) => new()
    {
        Preprocessing = preprocessing,
        Decoder = data.Decoder,
        DecodeScale = data.DecodeScale,
        ImageSize = imageSize,
        BatchSize = batchSize,
        Workers = data.Workers,
    };
}
