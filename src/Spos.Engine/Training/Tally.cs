namespace Spos.Engine.Training;

/// <summary>Adds up predictions, batch by batch, to an accuracy.</summary>
internal sealed class Tally
{
    private double _loss;
    private int _top1, _top5, _images;

    /// <summary>What they come to.</summary>
    public Accuracy Accuracy => new(_loss / _images, (double)_top1 / _images, (double)_top5 / _images, _images);

    /// <param name="losses">Of a batch.</param>
    /// <param name="ranks">The place of each picture's class among the guesses, from 0.</param>
    public void Add(ReadOnlySpan<float> losses, ReadOnlySpan<int> ranks)
    {
        double sum = 0;
        foreach (float loss in losses) sum += loss;
        _loss += sum;
        foreach (int rank in ranks)
        {
            if (rank < 1) _top1++;
            if (rank < 5) _top5++;
        }
        _images += losses.Length;
    }
}
