using System.Runtime.InteropServices;
using Spos.Engine.Ranks;

namespace Spos.Engine.Training;

/// <summary>What the predictions of a batch come to.</summary>
/// <param name="Batch">Its place in the pass.</param>
/// <param name="Loss">The sum of its pictures'.</param>
internal readonly record struct BatchTally(double Loss, int Batch, int Top1, int Top5, int Images);

/// <summary>Adds up predictions, batch by batch, to an accuracy.</summary>
internal sealed class Tally
{
    private readonly List<BatchTally> _batches = [];

    /// <summary>What they come to.</summary>
    public Accuracy Accuracy => Of(_batches);

    /// <summary>What they come to, with those that other processes have of the same pass: the same bits as of one process.</summary>
    public Accuracy With(IRanks ranks) =>
        Of([.. ranks.GatherAll<BatchTally>(CollectionsMarshal.AsSpan(_batches)).SelectMany(own => own).OrderBy(batch => batch.Batch)]);

    /// <param name="losses">Of a batch.</param>
    /// <param name="ranks">The place of each picture's class among the guesses, from 0.</param>
    /// <param name="batch">Its place in the pass.</param>
    public void Add(ReadOnlySpan<float> losses, ReadOnlySpan<int> ranks, int batch)
    {
        double sum = 0;
        foreach (float loss in losses) sum += loss;
        int top1 = 0, top5 = 0;
        foreach (int rank in ranks)
        {
            if (rank < 1) top1++;
            if (rank < 5) top5++;
        }
        _batches.Add(new BatchTally(sum, batch, top1, top5, losses.Length));
    }

    private static Accuracy Of(List<BatchTally> batches)
    {
        double loss = 0;
        int top1 = 0, top5 = 0, images = 0;
        foreach (BatchTally batch in batches)
        {
            loss += batch.Loss;
            (top1, top5, images) = (top1 + batch.Top1, top5 + batch.Top5, images + batch.Images);
        }
        return new Accuracy(loss / images, (double)top1 / images, (double)top5 / images, images);
    }
}
