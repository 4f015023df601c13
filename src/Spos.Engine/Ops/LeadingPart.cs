using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// The leading part of a weight: fewer of its inputs and outputs, as a convolution of fewer channels has it. Kernels: channel_lead,
/// channel_lead_add.
/// </summary>
internal static class LeadingPart
{
    /// <summary>Takes the part out of the whole.</summary>
    /// <param name="part">[kernel height, kernel width, in, out] or [C]: overwritten.</param>
    /// <param name="whole">The same kernel, and as many or more inputs and outputs.</param>
    /// <exception cref="ArgumentException">It is no part of the whole.</exception>
    public static void Take(Session session, Tensor part, Tensor whole)
    {
        (LaunchGrid grid, Partition partition) = Over(session, part, whole);
        grid.ChannelLead(part, whole, part.Shape.Rows, part.Shape.C, whole.Shape.C, partition.RowsPerBlock);
    }

    /// <summary>Adds a part to that of the whole.</summary>
    /// <exception cref="ArgumentException">It is no part of the whole.</exception>
    public static void Add(Session session, Tensor part, Tensor whole)
    {
        (LaunchGrid grid, Partition partition) = Over(session, part, whole);
        grid.ChannelLeadAdd(whole, part, part.Shape.Rows, part.Shape.C, whole.Shape.C, partition.RowsPerBlock);
    }

    // Rows of both follow each other in the same order: a kernel of several taps has one input, or all of the whole's.
    private static (LaunchGrid Grid, Partition Partition) Over(Session session, Tensor part, Tensor whole)
    {
        (Shape few, Shape all) = (part.Shape, whole.Shape);
        bool sameTaps = few.N == all.N && few.H == all.H && (few.N * few.H == 1 || few.W == all.W);
        if (!sameTaps || few.W > all.W || few.C > all.C) throw new ArgumentException($"{few} is no leading part of {all}.");
        Partition partition = Partition.Elementwise(session.Device, few.Rows, few.C);
        return (session.Slices(partition, few.C), partition);
    }
}
