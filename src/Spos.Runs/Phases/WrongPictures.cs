using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Logs;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>
/// Finds the pictures that a network is most wrong about: those of another class than its first guess which have the highest loss.
/// </summary>
/// <param name="pictures">All, in the order in which they are measured.</param>
/// <param name="batchSize">How many are measured at once, before those are left out that cannot be decoded.</param>
/// <param name="damage">Knows those that cannot be decoded.</param>
/// <param name="most">So many at most.</param>
internal sealed class WrongPictures(ImageFolder pictures, int batchSize, DamageReport damage, int most)
{
    private (float Loss, int Picture)[] _worst = [];

    /// <summary>Looks at a batch, as <see cref="Evaluator.Measure"/> tells of it.</summary>
    public void Add(int batch, float[] losses, int[] places)
    {
        int first = batch * batchSize;
        int[] numbers =
        [
            .. Enumerable.Range(first, Math.Min(batchSize, pictures.Samples.Length - first))
                .Where(number => damage.CauseOf(pictures.Samples[number].Path) == null),
        ];
        if (numbers.Length != losses.Length) throw new InvalidOperationException($"{losses.Length} losses of {numbers.Length} pictures.");
        _worst = Worst([.. _worst, .. numbers.Select((number, row) => (losses[row], number)).Where((_, row) => places[row] > 0)]);
    }

    /// <summary>Takes those of all processes together.</summary>
    public void Share(IRanks ranks)
    {
        float[][] losses = ranks.GatherAll<float>([.. _worst.Select(one => one.Loss)]);
        int[][] numbers = ranks.GatherAll<int>([.. _worst.Select(one => one.Picture)]);
        _worst = Worst([.. losses.Zip(numbers).SelectMany(own => own.First.Zip(own.Second))]);
    }

    /// <summary>
    /// Writes them as the network sees them, the worst first. Their tags tell the class and the file, and what the network takes them for.
    /// </summary>
    public void Write(
        EventWriter events, long step, Session session, ShuffleNetV2OneShot network, Architecture path, EvaluationData data,
        Preprocessing preprocessing)
    {
        if (_worst.Length == 0) return;
        ImageFolder worst = pictures.Subset(_worst.Select(one => one.Picture));
        using BatchSource batches = data.Test(worst, batchSize);
        int done = 0;
        foreach (Batch batch in batches)
        {
            batch.ReadOn(session.Stream);
            float[] pixels = batch.Images.Download(session.Stream), logits = [];
            Evaluator.Predict(session, network, path, [batch], (_, all) => logits = all, "--test-batch-size");
            (int size, int classes) = (batch.Images.Shape.H, logits.Length / batch.Count);
            for (int row = 0; row < batch.Count; row++, done++)
            {
                ImageFolder.Sample sample = worst.Samples[done];
                Guess guess = Guess.Of(logits.AsSpan(row * classes, classes), 1, worst.Classes)[0];
                string file = $"{worst.Classes[sample.Label]}/{Path.GetFileName($"{sample.Path}")}";
                ReadOnlySpan<float> own = pixels.AsSpan(row * size * size * 3, size * size * 3);
                events.Picture(
                    step, $"most_wrong/{done + 1:D3} {file}: {guess.Name} {guess.Probability:0.0%}", size, size,
                    PngFile.Of(size, size, ColoursOf(own, preprocessing)));
            }
        }
    }

    // Of equal losses the first picture's goes before.
    private (float, int)[] Worst(IEnumerable<(float Loss, int Picture)> all) =>
        [.. all.OrderByDescending(one => one.Loss).ThenBy(one => one.Picture).Take(most)];

    // What preprocessing has made of the pixels, undone.
    private static byte[] ColoursOf(ReadOnlySpan<float> values, Preprocessing preprocessing)
    {
        byte[] colours = new byte[values.Length];
        bool isOfficial = preprocessing == Preprocessing.Spos;
        for (int i = 0; i < values.Length; i++)
        {
            int channel = i % 3;
            double level = isOfficial
                ? values[i - channel + (2 - channel)]
                : (values[i] * ImageNetStatistics.Deviation[channel] + ImageNetStatistics.Mean[channel]) * 255.0;
            colours[i] = (byte)Math.Clamp(Math.Round(level), 0, 255);
        }
        return colours;
    }
}
