using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Adds up the partial weight gradients that blocks leave. Kernel: reduce_partials.</summary>
internal static class PartialSums
{
    /// <summary>Adds the blocks of <paramref name="partials"/> into the gradient of <paramref name="parameter"/>.</summary>
    public static void ReduceInto(Session session, Parameter parameter, Tensor partials, int blocks)
    {
        int length = checked((int)parameter.Shape.Count);
        Partition partition = Partition.Flat(length);
        session.Launch("reduce_partials", partition.Blocks, 1, parameter.Gradient, partials, blocks, length, partition.RowsPerBlock, parameter.HasGradient);
        parameter.HasGradient = true;
    }
}
