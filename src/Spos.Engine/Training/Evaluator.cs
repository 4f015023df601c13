using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>How well a network predicts.</summary>
/// <param name="Loss">Mean cross-entropy, without label smoothing.</param>
/// <param name="Top1">Share of pictures whose class is the first guess.</param>
/// <param name="Top5">Share of pictures whose class is among the first five guesses.</param>
/// <param name="Images">How many pictures that is of: those that could be decoded.</param>
public readonly record struct Accuracy(double Loss, double Top1, double Top5, int Images);

/// <summary>Recalibrates batch norm for a path and measures its accuracy.</summary>
public static class Evaluator
{
    /// <summary>
    /// Replaces the running statistics of a path by their mean over <paramref name="batches"/> (training batches): those left
    /// by supernet training mix all paths.
    /// </summary>
    public static void Recalibrate(Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches)
    {
        foreach (BatchNormLayer layer in network.BatchNormsOf(path)) layer.ResetStatistics(session.Stream);
        float momentum = session.BatchNormMomentum;
        session.BatchNorm = BatchNormMode.Batch;
        int count = 0;
        foreach (Batch batch in batches)
        {
            batch.ReadOn(session.Stream);
            session.BatchNormMomentum = 1f / ++count;
            network.Forward(session, batch.Images, path).Dispose();
        }
        session.BatchNormMomentum = momentum;
    }

    /// <summary>Predicts with running statistics.</summary>
    public static Accuracy Measure(Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches)
    {
        session.BatchNorm = BatchNormMode.Running;
        double loss = 0;
        int images = 0, top1 = 0, top5 = 0;
        foreach (Batch batch in batches)
        {
            batch.ReadOn(session.Stream);
            using Tensor logits = network.Forward(session, batch.Images, path);
            (Tensor losses, _) = SoftmaxCrossEntropy.Forward(session, logits, batch.Labels, 0, 0);
            using (losses)
            using (DeviceArray<int> ranks = TopK.Ranks(session, logits, batch.Labels))
            {
                int[] rank = new int[batch.Count];
                ranks.Download(session.Stream, rank);
                loss += losses.Download(session.Stream).Sum(l => (double)l);
                top1 += rank.Count(r => r < 1);
                top5 += rank.Count(r => r < 5);
                images += batch.Count;
            }
        }
        session.BatchNorm = BatchNormMode.Batch;
        return new Accuracy(loss / images, (double)top1 / images, (double)top5 / images, images);
    }
}
