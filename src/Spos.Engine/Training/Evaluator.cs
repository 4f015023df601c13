using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

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
    /// <param name="option">The option that says how many pictures a batch has.</param>
    /// <exception cref="DeviceMemoryException">A batch does not fit; the message says which should.</exception>
    public static void Recalibrate(
        Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches, string option = "--train-batch-size")
    {
        foreach (BatchNormLayer layer in network.BatchNormsOf(path)) layer.ResetStatistics(session.Stream);
        float momentum = session.BatchNormMomentum;
        int count = 0;
        try
        {
            ForEach(session, network, PlanKind.Recalibration, batches, option, batch =>
            {
                session.BatchNormMomentum = 1f / ++count;
                Plan(session, network, PlanKind.Recalibration, batch.Images).Run(batch.Images, batch.Labels, path);
            });
        }
        finally
        {
            session.BatchNormMomentum = momentum;
        }
    }

    /// <summary>Predicts with running statistics.</summary>
    /// <param name="option">The option that says how many pictures a batch has.</param>
    /// <exception cref="DeviceMemoryException">A batch does not fit; the message says which should.</exception>
    public static Accuracy Measure(
        Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches, string option = "--test-batch-size")
    {
        double loss = 0;
        int images = 0, top1 = 0, top5 = 0;
        using var prediction = new RepeatedWork<Predictions>(
            session, (pictures, labels) => Plan(session, network, PlanKind.Inference, pictures).Run(pictures, labels, path));
        ForEach(session, network, PlanKind.Inference, batches, option, batch =>
        {
            float[] losses = new float[batch.Count];
            int[] rank = new int[batch.Count];
            prediction.Run(batch.Images, batch.Labels).Download(session.Stream, losses, rank);
            loss += losses.Sum(l => (double)l);
            top1 += rank.Count(r => r < 1);
            top5 += rank.Count(r => r < 5);
            images += batch.Count;
        });
        return new Accuracy(loss / images, (double)top1 / images, (double)top5 / images, images);
    }

    private static NetworkPlan Plan(Session session, ShuffleNetV2OneShot network, PlanKind kind, Tensor images) =>
        NetworkPlans.Of(network).For(session, network, kind, images.Shape.N);

    // Works on each batch; if one does not fit, the error says which would.
    private static void ForEach(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, IEnumerable<Batch> batches, string option, Action<Batch> work)
    {
        try
        {
            foreach (Batch batch in batches)
            {
                batch.ReadOn(session.Stream);
                Fitting(session, network, kind, batch, option, work);
            }
        }
        catch (DeviceMemoryException error) when (error.Option == null)
        {
            throw error.ForBatch(null, null, option);
        }
    }

    private static void Fitting(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, Batch batch, string option, Action<Batch> work)
    {
        long moment = session.Pool.Rentings;
        try
        {
            work(batch);
        }
        catch (Exception error)
        {
            session.Pool.GiveBackSince(moment);
            if (error is not DeviceMemoryException full) throw;
            int fits = BatchRoom.Largest(
                session, batch.Count, 0, count => session.Pool.SizeFor(NetworkPlan.BytesOf(session, network, kind, count)));
            throw full.ForBatch(batch.Count, fits, option);
        }
    }
}
