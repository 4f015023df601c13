using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Training;

/// <summary>What a shard of a batch came to.</summary>
/// <param name="Loss">Mean over its pictures and the step's paths.</param>
/// <param name="Top1">Predictions whose first guess was the class, of all paths together.</param>
/// <param name="Top5">Predictions whose class was among the first five guesses.</param>
internal readonly record struct ShardReport(float Loss, int Top1, int Top5);

/// <summary>
/// Makes the gradients of a shard, which is a whole batch where a batch is not divided. All that it comes to is a function of its pictures,
/// the weights, the seed, the step and its number.
/// </summary>
internal sealed class ShardWork(Session session, ShuffleNetV2OneShot network, TrainingOptions options)
{
    // Dropout of path i of a step has key number i modulo this, and a seed of its own for each so many paths: results depend on it.
    private const int PathsOfASeed = 4;

    private readonly float[] _losses = new float[options.ShardSize];
    private readonly int[] _ranks = new int[options.ShardSize];

    /// <summary>
    /// What makes the gradients of a network's only path, by the same launches at each step. Null if a network has more paths, with mixup,
    /// whose share is another at each step, and where the device uses no graphs.
    /// </summary>
    public RepeatedWork<Predictions>? RepeatedPath()
    {
        if (network.Path is not { } path || options.Mixup != 0 || !session.Device.UsesGraphs) return null;
        ParameterGroup[] groups = [.. network.GroupsOf(path)];
        return new RepeatedWork<Predictions>(session, (images, labels) =>
        {
            // The launches write over the gradients, whatever was issued before.
            foreach (ParameterGroup group in groups) group.ClearGradients();
            return AddGradients(images, labels, path, 1, LossTarget.Labels(options.LabelSmoothing), teacher: null, finished: null);
        });
    }

    /// <summary>Adds to the gradients of the paths' parameters, and follows the statistics of their batch norms.</summary>
    /// <param name="shard">Its number in the batch, from 0.</param>
    /// <param name="repeated">What does it for the network's only path; null to issue each launch.</param>
    /// <param name="finished">
    /// Called when a path is done with a group of its parameters, as <see cref="NetworkPlan"/> says; not by repeated work, which a graph
    /// does by one call.
    /// </param>
    public ShardReport Run(
        Batch batch, long step, int shard, IReadOnlyList<Architecture> paths, RepeatedWork<Predictions>? repeated,
        Action<ParameterGroup>? finished = null)
    {
        batch.ReadOn(session.Stream);
        float share = MixupShare(step), loss = 0;
        if (share < 1) Mixup.Apply(session, batch.Images, share);
        int top1 = 0, top5 = 0;
        // What the first path guesses, where the others learn from it.
        Tensor? teacher = null;
        for (int i = 0; i < paths.Count; i++)
        {
            // Numbers of its own for every (step, path, shard): dropout never repeats.
            ulong purpose = ((ulong)RandomPurpose.Dropout << 56) + ((ulong)(i / PathsOfASeed) << 48) + ((ulong)shard << 32);
            Dropout.UseKey(session, options.Seed ^ purpose, (ulong)step * PathsOfASeed + (ulong)(i % PathsOfASeed));
            LossTarget target = teacher != null
                ? LossTarget.Teacher(options.Distillation!.Value)
                : LossTarget.Labels(options.LabelSmoothing, leavesLogits: options.Distillation != null && paths.Count > 1);
            Tensor? logits = Work(batch, paths[i], share, target, teacher, repeated, finished);
            teacher ??= logits;
            loss += Mean(_losses.AsSpan(0, batch.Count)) / paths.Count;
            top1 += Within(1, batch.Count);
            top5 += Within(5, batch.Count);
        }
        teacher?.Dispose();
        return new ShardReport(loss, top1, top5);
    }

    // Leaves losses and ranks on the host. Returns the logits, if the target says so, for the caller to dispose of.
    private Tensor? Work(
        Batch batch, Architecture path, float share, LossTarget target, Tensor? teacher, RepeatedWork<Predictions>? repeated,
        Action<ParameterGroup>? finished)
    {
        Predictions predictions = repeated?.Run(batch.Images, batch.Labels)
            ?? AddGradients(batch.Images, batch.Labels, path, share, target, teacher, finished);
        predictions.Download(session.Stream, _losses.AsSpan(0, batch.Count), _ranks.AsSpan(0, batch.Count));
        // Repeated work keeps what it leaves.
        if (repeated != null) return null;
        (predictions with { Logits = null }).Dispose();
        return predictions.Logits;
    }

    private Predictions AddGradients(
        Tensor images, DeviceArray<int> labels, Architecture path, float mixupShare, LossTarget target, Tensor? teacher,
        Action<ParameterGroup>? finished)
    {
        NetworkPlan plan = NetworkPlans.Of(network).For(session, network, PlanKind.Training, images.Shape.N, target);
        Predictions predictions = plan.Run(images, labels, path, mixupShare, teacher, finished);
        for (int i = 0; i < network.GroupsOfPath; i++) network.GroupOf(path, i).GradientCount++;
        return predictions;
    }

    // As precise as a mean of doubles.
    private static float Mean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += value;
        return (float)(sum / values.Length);
    }

    // How many labels are among so many first guesses.
    private int Within(int guesses, int pictures)
    {
        int count = 0;
        foreach (int rank in _ranks.AsSpan(0, pictures))
        {
            if (rank < guesses) count++;
        }
        return count;
    }

    // How much of each picture is its own: 1 without mixup.
    private float MixupShare(long step) =>
        options.Mixup == 0 ? 1 : new CounterRandom(options.Seed, RandomPurpose.Mixup, (ulong)step).NextBeta(options.Mixup);
}
