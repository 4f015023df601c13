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
    /// <param name="batch">How many pictures.</param>
    /// <param name="smoothing">Of labels, in training.</param>
    public NetworkPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, float smoothing = 0)
        : base(session, network, WriterFor(session, network, kind, batch, smoothing), batch, sharesBeginnings: false)
    {
    }

    /// <summary><see cref="RecordedPlan.Bytes"/> of a plan that is made for this alone.</summary>
    public static long BytesOf(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
    {
        using var plan = new NetworkPlan(session, network, kind, batch);
        return plan.Bytes;
    }

    /// <summary>Issues the work on a batch.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="share">Of each picture's own class in a batch that is mixed up.</param>
    /// <returns>What it leaves; for the caller to dispose of. Nothing is left by a recalibration.</returns>
    /// <exception cref="ArgumentException">The batch is none of the plan's, or the path has another length.</exception>
    /// <exception cref="InvalidOperationException">The network does not have an alternative of the path. Nothing is issued.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, Architecture path, float share = 1)
    {
        Check(images, labels);
        Network.RequireLength(path);
        foreach (Turn<Segment> turn in Turns) _ = turn.PartOf(path);
        DeviceBuffer? arena = RentArena();
        Tensor? folded = null;
        try
        {
            Predictions left = RentResults(Shape.Vector(Images.N));
            Begin(images, labels, share, arena);
            PutResults(left, 0);
            int turn = 0;
            if (Folded is { } each)
            {
                folded = Session.Rent(Shape.Vector((int)(each.Bytes / sizeof(float))));
                Addresses[each.Number] = folded.Value.AddressOn(Session.Stream);
                IssueOnce(Turns[turn++].PartOf(path).Work);
            }
            for (; turn < Turns.Length; turn++) Issue(Turns[turn].PartOf(path));
            End();
            return left;
        }
        finally
        {
            folded?.Dispose();
            arena?.Release();
        }
    }

    private void Issue(Part<Segment> part)
    {
        Variables[Recording.Accumulate] = part.Groups.Length > 0 && part.Groups[0].HasGradient ? 1u : 0;
        Issue(part.Work);
        foreach (ParameterGroup group in part.Groups) group.HasGradient = true;
        foreach (Action effect in part.Work.HostEffects) Session.OnHost(effect);
    }
}
