using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Adds up what blocks leave, such as partial gradients of weights. Kernel: reduce_partials.</summary>
internal static class PartialSums
{
    /// <summary>Adds the arrays of <paramref name="partials"/>, one a block, into the gradient of <paramref name="parameter"/>.</summary>
    public static void ReduceInto(Session session, Parameter parameter, Tensor partials) =>
        Reduce(session, parameter.Gradient, partials, parameter.Accumulates(session));

    /// <summary>Adds the arrays of <paramref name="partials"/>, [count, H, W, C], into a target, or overwrites it.</summary>
    public static void Reduce(Session session, Tensor target, Tensor partials, bool accumulate)
    {
        int count = partials.Shape.N, length = checked((int)(partials.Shape.Count / count));
        Partition partition = Partition.Flat(session.Device, length);
        LaunchGrid grid = session.Device.BlocksAreThreads ? session.Grid(partition.Blocks) : session.Slices(Partition.Of(1, 1), length);
        grid.ReducePartials(target, partials, count, length, partition.RowsPerBlock, accumulate);
    }
}
