using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Plans;
using Spos.Engine.Ranks;
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
        Averaging(session, next => Fitting(session, network, PlanKind.Recalibration, batches, option, batch =>
        {
            next();
            Plan(session, network, PlanKind.Recalibration, batch.Images).Run(batch.Images, batch.Labels, path);
        }));
    }

    /// <summary>Predicts with running statistics.</summary>
    /// <param name="option">The option that says how many pictures a batch has.</param>
    /// <param name="ranks">Those that have the other batches of the same pass; null if all are here.</param>
    /// <param name="tell">
    /// Given the number of each batch, and of its pictures the losses and the place of the class among the guesses, from 0. Null for
    /// nobody.
    /// </param>
    /// <exception cref="DeviceMemoryException">A batch does not fit; the message says which should.</exception>
    public static Accuracy Measure(
        Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches, string option = "--test-batch-size",
        IRanks? ranks = null, Action<int, float[], int[]>? tell = null)
    {
        var tally = new Tally();
        using PathGroup ready = Ready(session, network, path, option);
        using var prediction = new RepeatedWork<Predictions>(
            session, (pictures, labels) => Plan(session, network, PlanKind.Inference, pictures).Run(pictures, labels, ready));
        Fitting(session, network, PlanKind.Inference, batches, option, batch =>
        {
            float[] losses = new float[batch.Count];
            int[] places = new int[batch.Count];
            prediction.Run(batch.Images, batch.Labels).Download(session.Stream, losses, places);
            tally.Add(losses, places, batch.Number);
            tell?.Invoke(batch.Number, losses, places);
        });
        return ranks == null ? tally.Accuracy : tally.With(ranks);
    }

    /// <summary>Predicts with running statistics, and tells of each batch what the network made of it.</summary>
    /// <param name="tell">Given the batch's labels [N] and logits [N, classes]. They are its own.</param>
    /// <param name="option">The option that says how many pictures a batch has.</param>
    /// <exception cref="DeviceMemoryException">A batch does not fit; the message says which should.</exception>
    public static void Predict(
        Session session, ShuffleNetV2OneShot network, Architecture path, IEnumerable<Batch> batches, Action<int[], float[]> tell,
        string option = "--batch-size") =>
        Fitting(session, network, PlanKind.Inference, batches, option, batch =>
        {
            using Tensor logits = network.Forward(Pass.Inference(session), batch.Images, path);
            int[] labels = new int[batch.Count];
            batch.Labels.Download(session.Stream, labels);
            tell(labels, logits.Download(session.Stream));
        });

    private static PathGroup Ready(Session session, ShuffleNetV2OneShot network, Architecture path, string option)
    {
        try
        {
            return PathGroup.Ready(session, network, path);
        }
        catch (DeviceMemoryException error) when (error.Option == null)
        {
            throw error.ForBatch(null, null, option);
        }
    }

    /// <summary>Makes running statistics the mean over the batches that <paramref name="work"/> goes through.</summary>
    /// <param name="work">Calls what it is given before each batch.</param>
    internal static void Averaging(Session session, Action<Action> work)
    {
        float momentum = session.BatchNormMomentum;
        int count = 0;
        try
        {
            work(() => session.BatchNormMomentum = 1f / ++count);
        }
        finally
        {
            session.BatchNormMomentum = momentum;
        }
    }

    /// <summary>Works on each batch. One on which that fails leaves nothing rented.</summary>
    internal static void ForEach(Session session, IEnumerable<Batch> batches, Action<Batch> work)
    {
        foreach (Batch batch in batches)
        {
            batch.ReadOn(session.Stream);
            long moment = session.Pool.Rentings;
            try
            {
                work(batch);
            }
            catch
            {
                session.Pool.GiveBackSince(moment);
                throw;
            }
        }
    }

    private static NetworkPlan Plan(Session session, ShuffleNetV2OneShot network, PlanKind kind, Tensor images) =>
        NetworkPlans.Of(network).For(session, network, kind, images.Shape.N);

    // Works on each batch; if one does not fit, the error says which would.
    private static void Fitting(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, IEnumerable<Batch> batches, string option, Action<Batch> work)
    {
        // Pictures of the batch that is worked on; null while one is read.
        int? pictures = null;
        try
        {
            ForEach(session, batches, batch =>
            {
                pictures = batch.Count;
                work(batch);
                pictures = null;
            });
        }
        catch (DeviceMemoryException error) when (pictures is not null || error.Option == null)
        {
            if (pictures is not { } count) throw error.ForBatch(null, null, option);
            int fits = BatchRoom.Largest(
                session, count, 0, smaller => session.Pool.SizeFor(NetworkPlan.BytesOf(session, network, kind, smaller)));
            throw error.ForBatch(count, fits, option);
        }
    }
}
