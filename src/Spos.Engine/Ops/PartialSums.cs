using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Adds up what blocks leave, such as partial gradients of weights. Kernel: reduce_partials.</summary>
internal static class PartialSums
{
    /// <summary>Adds the blocks of <paramref name="partials"/> into the gradient of <paramref name="parameter"/>.</summary>
    public static void ReduceInto(Session session, Parameter parameter, Tensor partials, int blocks)
    {
        Reduce(session, parameter.Gradient, partials, blocks, checked((int)parameter.Shape.Count), parameter.HasGradient);
        parameter.HasGradient = true;
    }

    /// <summary>Adds <paramref name="count"/> arrays of <paramref name="length"/> values into a target, or overwrites it.</summary>
    public static void Reduce(Session session, KernelArgument target, Tensor partials, int count, int length, bool accumulate)
    {
        Partition partition = Partition.Flat(length);
        session.Launch("reduce_partials", partition.Blocks, 1, target, partials, count, length, partition.RowsPerBlock, accumulate);
    }
}
