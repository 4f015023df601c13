using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// A <see cref="NetworkPlan"/> for groups of paths: recalibration or inference, to the same bits. What goes from part to part has memory
/// that nothing else uses, so that it is still there for the next path that begins alike. So the memory of a batch grows with the
/// network's depth, and not with the number of paths.
/// </summary>
public sealed class SharedPlan : RecordedPlan
{
    /// <param name="batch">How many pictures.</param>
    /// <exception cref="ArgumentException">It is for training.</exception>
    public SharedPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
        : base(session, network, WriterOf(session, network, kind, batch), batch, sharesBeginnings: true)
    {
    }

    /// <summary>Issues the work on a batch.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="group">Of the network. Recalibration changes its statistics; for inference it has to be ready.</param>
    /// <returns>
    /// Those of each path, in the group's order, one after the other; for the caller to dispose of. Nothing is left by a recalibration.
    /// </returns>
    /// <exception cref="ArgumentException">The batch is none of the plan's.</exception>
    /// <exception cref="InvalidOperationException">The group is not ready for inference.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, PathGroup group) => RunGroup(images, labels, group);

    private static PlanWriter WriterOf(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch) =>
        kind != PlanKind.Training
            ? WriterFor(session, network, kind, batch, target: default, bringsStatistics: true)
            : throw new ArgumentException("Paths are not trained together.", nameof(kind));
}
