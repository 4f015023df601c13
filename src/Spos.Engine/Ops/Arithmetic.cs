using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Sums that other ops need. Kernels: add_in_place, reduce_partials.</summary>
internal static class Arithmetic
{
    /// <summary>target += source, of equal shapes.</summary>
    public static void AddInPlace(Session session, Tensor target, Tensor source)
    {
        if (target.Shape != source.Shape) throw new ArgumentException($"Gradients {target.Shape} and {source.Shape} cannot be added.");
        Partition partition = Partition.Flat(target.Shape.Count);
        session.Launch("add_in_place", partition.Blocks, 1, target, source, target.Shape.Count, partition.RowsPerBlock);
    }

    /// <summary>Adds the blocks of <paramref name="partials"/> into the gradient of <paramref name="parameter"/>.</summary>
    public static void ReduceInto(Session session, Parameter parameter, Tensor partials, int blocks)
    {
        int length = checked((int)parameter.Shape.Count);
        Partition partition = Partition.Flat(length);
        session.Launch("reduce_partials", partition.Blocks, 1, parameter.Gradient, partials, blocks, length, partition.RowsPerBlock, parameter.HasGradient);
        parameter.HasGradient = true;
    }
}
