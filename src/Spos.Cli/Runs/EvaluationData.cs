using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Training;

namespace Spos.Cli.Runs;

/// <summary>The pictures that candidates and trained networks are measured on.</summary>
internal static class EvaluationData
{
    // Batches are kept on the device if they take no more than this.
    private const long KeepBytes = 2L << 30;

    /// <summary>Training pictures as they are, in a fixed random order, to recalibrate batch norm with.</summary>
    /// <exception cref="DataException">There are fewer pictures than a batch takes.</exception>
    public static BatchSource Calibration(Device device, ImageFolder train, int imageSize, int batches, int batchSize, int workers, ulong seed, Preprocessing preprocessing, JpegDecoder decoder, DamageReport damage)
    {
        var options = new LoaderOptions { Preprocessing = preprocessing, Decoder = decoder, ImageSize = imageSize, BatchSize = batchSize, Workers = workers, Seed = seed, Shuffle = true, DropLast = true };
        RequireBatch(train, batchSize, "--train-batch-size");
        return new BatchSource(device, train, options, damage, batches, KeepBytes);
    }

    /// <summary>All pictures that can be decoded, to measure accuracy on.</summary>
    public static BatchSource Test(Device device, ImageFolder pictures, int imageSize, int batchSize, int workers, Preprocessing preprocessing, JpegDecoder decoder, DamageReport damage) =>
        new(device, pictures, new LoaderOptions { Preprocessing = preprocessing, Decoder = decoder, ImageSize = imageSize, BatchSize = batchSize, Workers = workers, LeaveOutDamaged = true }, damage, int.MaxValue, KeepBytes);

    /// <summary>How many pictures were measured, for a table.</summary>
    public static string Count(BatchSource test) =>
        test.LeftOut == 0 ? $"{test.Pictures}" : $"{test.Pictures}; {test.LeftOut} left out, which cannot be decoded";

    /// <summary>Throws unless there are pictures for a whole batch.</summary>
    /// <param name="option">The option that says how many a batch has.</param>
    /// <exception cref="DataException">There are fewer.</exception>
    public static void RequireBatch(ImageFolder pictures, int batchSize, string option)
    {
        if (pictures.Samples.Length >= batchSize) return;
        throw new DataException($"{pictures.Root}: {pictures.Samples.Length} pictures are fewer than a batch of {batchSize}. Lower {option}.");
    }
}
