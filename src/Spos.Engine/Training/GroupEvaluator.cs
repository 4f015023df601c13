using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
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
        group.Ready();
        return Measure(session, network, group, test);
    }

    private static void Recalibrate(Session session, ShuffleNetV2OneShot network, PathGroup group, IEnumerable<Batch> batches) =>
        Evaluator.Averaging(session, next => Evaluator.ForEach(session, batches, batch =>
        {
            next();
            Plan(session, network, PlanKind.Recalibration, batch.Images).Run(batch.Images, batch.Labels, group);
        }));

    private static Accuracy[] Measure(Session session, ShuffleNetV2OneShot network, PathGroup group, IEnumerable<Batch> batches)
    {
        Tally[] tallies = [.. Enumerable.Range(0, group.Paths).Select(_ => new Tally())];
        using var prediction = new RepeatedWork<Predictions>(
            session, (pictures, labels) => Plan(session, network, PlanKind.Inference, pictures).Run(pictures, labels, group));
        Evaluator.ForEach(session, batches, batch =>
        {
            float[] losses = new float[group.Paths * batch.Count];
            int[] ranks = new int[group.Paths * batch.Count];
            prediction.Run(batch.Images, batch.Labels).Download(session.Stream, losses, ranks);
            for (int path = 0; path < group.Paths; path++)
            {
                int first = path * batch.Count;
                tallies[path].Add(losses.AsSpan(first, batch.Count), ranks.AsSpan(first, batch.Count), batch.Number);
            }
        });
        return [.. tallies.Select(tally => tally.Accuracy)];
    }

    private static SharedPlan Plan(Session session, ShuffleNetV2OneShot network, PlanKind kind, Tensor images) =>
        NetworkPlans.Of(network).ForGroups(session, network, kind, images.Shape.N);
}
