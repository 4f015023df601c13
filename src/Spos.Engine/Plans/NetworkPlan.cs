using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// All that a network does with a batch of one size, on any path, made before the first batch: the launches of each operation of each
/// block, and where in one piece of memory each tensor lies. A path's work is the launches of its parts, one after the other, so that a
/// batch computes nothing of this anew, and takes no managed memory.
/// </summary>
public sealed class NetworkPlan : RecordedPlan
{
    private readonly PlanKind _kind;

    /// <param name="batch">How many pictures.</param>
    /// <param name="target">Of training: what guesses are compared with.</param>
    public NetworkPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, LossTarget target = default)
        : base(session, network, WriterFor(session, network, kind, batch, target), batch, sharesBeginnings: false)
    {
        _kind = kind;
    }

    /// <summary><see cref="RecordedPlan.Bytes"/> of a plan that is made for this alone.</summary>
    public static long BytesOf(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
    {
        using var plan = new NetworkPlan(session, network, kind, batch);
        return plan.Bytes;
    }

    /// <summary>Issues the work on a batch. Inference readies the path anew, which takes managed memory.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="share">Of each picture's own class in a batch that is mixed up.</param>
    /// <param name="teacher">The logits that a path learns from, [batch, 1, 1, classes], if the plan is for that; else null.</param>
    /// <param name="finished">
    /// Of training: called for each group of the path's parameters, from the last layer to the first, once all is issued that adds to its
    /// gradients.
    /// </param>
    /// <returns>What it leaves; for the caller to dispose of. Nothing is left by a recalibration.</returns>
    /// <exception cref="ArgumentException">
    /// The batch is none of the plan's, the path has another length, or the plan is for a teacher and these are no logits of it, or the
    /// other way round.
    /// </exception>
    /// <exception cref="InvalidOperationException">The network does not have an alternative of the path. Nothing is issued.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(
        Tensor images, DeviceArray<int> labels, Architecture path, float share = 1, Tensor? teacher = null,
        Action<ParameterGroup>? finished = null)
    {
        Check(images, labels);
        CheckTeacher(teacher);
        Network.RequireLength(path);
        foreach (Turn<Segment> turn in Turns) _ = turn.PartOf(path);
        if (_kind == PlanKind.Inference)
        {
            using PathGroup ready = PathGroup.Ready(Session, Network, path);
            return Run(images, labels, ready);
        }
        DeviceBuffer? arena = RentArena();
        try
        {
            Network.TakeWeights(Session, path);
            Predictions left = RentResults(Shape.Vector(Images.N));
            Begin(images, labels, share, arena);
            if (teacher is { } logits) PutTeacher(logits);
            PutResults(left, 0);
            foreach (Turn<Segment> turn in Turns) Issue(turn, path, finished);
            End();
            return left;
        }
        finally
        {
            arena?.Release();
        }
    }

    /// <summary>Issues the inference of a batch.</summary>
    /// <param name="ready">A path, ready for inference: as it was when it was readied.</param>
    /// <returns>As the other.</returns>
    /// <exception cref="ArgumentException">
    /// The batch is none of the plan's, these are several paths, or the plan is none for inference.
    /// </exception>
    /// <exception cref="InvalidOperationException">The path is not ready for inference.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, PathGroup ready)
    {
        if (_kind != PlanKind.Inference) throw new ArgumentException("A path is readied for inference alone.", nameof(ready));
        if (ready.Paths != 1) throw new ArgumentException($"These are {ready.Paths} paths, not one.", nameof(ready));
        return RunGroup(images, labels, ready);
    }

    private void Issue(Turn<Segment> turn, Architecture path, Action<ParameterGroup>? finished)
    {
        Part<Segment> part = turn.PartOf(path);
        Variables[Recording.Accumulate] = part.Groups.Length > 0 && part.Groups[0].HasGradient ? 1u : 0;
        Issue(part.Work);
        foreach (ParameterGroup group in part.Groups) group.HasGradient = true;
        foreach (Action effect in part.Work.HostEffects) Session.OnHost(effect);
        if (part.Groups.Length > 0 && turn.Block is { } block)
        {
            Operation operation = Network.OperationAt(block, path.Blocks[block]);
            operation.GiveGradients(Session);
            finished?.Invoke(operation.Trained);
        }
        else
        {
            foreach (ParameterGroup group in part.Groups) finished?.Invoke(group);
        }
    }
}
