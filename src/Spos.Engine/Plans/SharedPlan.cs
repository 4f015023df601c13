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
    private readonly int[] _turnOfPart;
    private readonly BroughtStatistics _statistics;

    /// <param name="batch">How many pictures.</param>
    /// <exception cref="ArgumentException">It is for training.</exception>
    public SharedPlan(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
        : this(session, network, WriterOf(session, network, kind, batch), batch)
    {
    }

    private SharedPlan(Session session, ShuffleNetV2OneShot network, PlanWriter writer, int batch)
        : base(session, network, writer, batch, sharesBeginnings: true)
    {
        int[] blocks = [.. Enumerable.Range(0, network.Spec.Blocks).Select(b => Array.FindIndex(Turns, turn => turn.Block == b))];
        _turnOfPart = [0, .. blocks, Turns.Length - 1];
        _statistics = writer.Statistics!;
    }

    /// <summary>Issues the work on a batch.</summary>
    /// <param name="images">[batch, S, S, 3], normalised.</param>
    /// <param name="labels">A class for each picture; there may be more.</param>
    /// <param name="group">Of the network. Recalibration changes its statistics; inference goes by what they were folded to.</param>
    /// <returns>
    /// Those of each path, in the group's order, one after the other; for the caller to dispose of. Nothing is left by a recalibration.
    /// </returns>
    /// <exception cref="ArgumentException">The batch is none of the plan's.</exception>
    /// <exception cref="ObjectDisposedException">The plan or its network has ended.</exception>
    /// <exception cref="DeviceMemoryException">The device is full.</exception>
    public Predictions Run(Tensor images, DeviceArray<int> labels, PathGroup group)
    {
        Check(images, labels);
        DeviceBuffer? arena = RentArena();
        try
        {
            Predictions left = RentResults(new Shape(group.Paths, 1, 1, Images.N));
            // Pictures are not mixed up.
            Begin(images, labels, share: 1, arena);
            foreach (PathGroup.Leg leg in group.Legs) Issue(group, leg, left);
            End();
            return left;
        }
        finally
        {
            arena?.Release();
        }
    }

    private static PlanWriter WriterOf(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch) =>
        kind != PlanKind.Training
            ? WriterFor(session, network, kind, batch, smoothing: 0, bringsStatistics: true)
            : throw new ArgumentException("Paths are not trained together.", nameof(kind));

    private void Issue(PathGroup group, PathGroup.Leg leg, Predictions left)
    {
        PutResults(left, leg.Index);
        int part = leg.From;
        for (int turn = _turnOfPart[part]; turn < Turns.Length; turn++)
        {
            // Turns between parts make room for what follows.
            if (turn == _turnOfPart[part]) PutStatistics(group, leg.Norms[part++]);
            // What layers count is of their own statistics, so that nothing is done on the host.
            Issue(Turns[turn].PartOf(leg.Path).Work);
        }
    }

    private void PutStatistics(PathGroup group, PathGroup.Norm[] norms)
    {
        if (_statistics.Folded is { } folded)
        {
            // Those of one part follow each other, here and there.
            if (norms is [var first, ..])
            {
                ulong before = 2UL * (ulong)_statistics.ChannelsBefore[first.Layer] * sizeof(float);
                Addresses[folded] = unchecked(group.FoldedOf(first) - before);
            }
            return;
        }
        foreach (PathGroup.Norm norm in norms)
        {
            (int mean, int variance) = _statistics.Arrays[norm.Layer];
            (Addresses[mean], Addresses[variance]) = (group.MeanOf(norm), group.VarianceOf(norm));
        }
    }
}
