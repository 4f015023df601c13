using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Training;

/// <summary>
/// Does for a group of paths what <see cref="Evaluator"/> does for one, to the same bits: each batch is read once for all of them, and
/// what several paths begin with is computed once. The network's own running statistics stay as they are.
/// </summary>
public static class GroupEvaluator
{
    /// <summary>Recalibrates batch norm for each path and measures how well it predicts.</summary>
    /// <param name="calibration">Training batches.</param>
    /// <returns>By path.</returns>
    /// <exception cref="Devices.DeviceMemoryException">
    /// A batch does not fit; path by path, which takes less memory, it may. What was rented is given back.
    /// </exception>
    public static Accuracy[] Score(
        Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, IEnumerable<Batch> calibration,
        IEnumerable<Batch> test)
    {
        using var group = new PathGroup(session, network, paths);
        Recalibrate(session, network, group, calibration);
        group.Fold();
        return Measure(session, network, group, test);
    }

    private static void Recalibrate(Session session, ShuffleNetV2OneShot network, PathGroup group, IEnumerable<Batch> batches)
    {
        using var plans = new Plans(session, network, PlanKind.Recalibration);
        float momentum = session.BatchNormMomentum;
        int count = 0;
        try
        {
            foreach (Batch batch in batches)
            {
                batch.ReadOn(session.Stream);
                session.BatchNormMomentum = 1f / ++count;
                Undoing(session, () => plans.For(batch.Count).Run(batch.Images, batch.Labels, group));
            }
        }
        finally
        {
            session.BatchNormMomentum = momentum;
        }
    }

    private static Accuracy[] Measure(Session session, ShuffleNetV2OneShot network, PathGroup group, IEnumerable<Batch> batches)
    {
        double[] loss = new double[group.Paths];
        int[] top1 = new int[group.Paths], top5 = new int[group.Paths];
        int images = 0;
        using var plans = new Plans(session, network, PlanKind.Inference);
        using var prediction = new RepeatedWork<Predictions>(
            session, (pictures, labels) => plans.For(pictures.Shape.N).Run(pictures, labels, group));
        foreach (Batch batch in batches)
        {
            batch.ReadOn(session.Stream);
            float[] losses = new float[group.Paths * batch.Count];
            int[] ranks = new int[group.Paths * batch.Count];
            Undoing(session, () => prediction.Run(batch.Images, batch.Labels).Download(session.Stream, losses, ranks));
            for (int path = 0; path < group.Paths; path++)
            {
                var own = new Range(path * batch.Count, (path + 1) * batch.Count);
                loss[path] += losses[own].Sum(l => (double)l);
                top1[path] += ranks[own].Count(r => r < 1);
                top5[path] += ranks[own].Count(r => r < 5);
            }
            images += batch.Count;
        }
        return
        [
            .. Enumerable.Range(0, group.Paths).Select(path =>
                new Accuracy(loss[path] / images, (double)top1[path] / images, (double)top5[path] / images, images)),
        ];
    }

    // A batch on which work fails leaves nothing rented.
    private static void Undoing(Session session, Action work)
    {
        long moment = session.Pool.Rentings;
        try
        {
            work();
        }
        catch
        {
            session.Pool.GiveBackSince(moment);
            throw;
        }
    }

    // By batch size.
    private sealed class Plans(Session session, ShuffleNetV2OneShot network, PlanKind kind) : IDisposable
    {
        private readonly Dictionary<int, SharedPlan> _plans = [];

        public SharedPlan For(int batch)
        {
            if (!_plans.TryGetValue(batch, out SharedPlan? plan))
            {
                _plans[batch] = plan = new SharedPlan(session, network, kind, batch);
            }
            return plan;
        }

        public void Dispose()
        {
            foreach (SharedPlan plan in _plans.Values) plan.Dispose();
        }
    }
}
