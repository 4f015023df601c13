using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// For each row the number of classes placed before the label; it is in the top k when that is below k.
/// Kernel: label_rank.
/// </summary>
public static class TopK
{
    /// <param name="logits">[N, 1, 1, classes].</param>
    /// <param name="labels">N class numbers.</param>
    /// <returns>N ranks, for the caller to dispose of.</returns>
    public static DeviceArray<int> Ranks(Session session, Tensor logits, DeviceArray<int> labels)
    {
        int rows = logits.Shape.N;
        var ranks = new DeviceArray<int>(session.Pool, rows);
        Partition partition = Partition.Of(rows, 16);
        session.Grid(partition.Blocks).LabelRank(ranks, logits, labels, rows, logits.Shape.C, partition.RowsPerBlock);
        return ranks;
    }
}
