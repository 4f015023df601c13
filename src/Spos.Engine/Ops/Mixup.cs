using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Mixup (arXiv 1710.09412): each picture of a batch becomes s times itself and 1−s times its partner, the batch in reverse
/// order, as timm does. Kernel: mixup.
/// </summary>
public static class Mixup
{
    /// <summary>Mixes a batch in place; its gradient is not wanted.</summary>
    /// <param name="images">[N, H, W, C].</param>
    /// <param name="share">s, in [0, 1].</param>
    public static void Apply(Session session, Tensor images, float share)
    {
        int pairs = images.Shape.N / 2;
        if (pairs == 0) return;
        long length = images.Shape.Count / images.Shape.N;
        Partition partition = Partition.Flat(session.Device, length);
        session.Grid(partition.Blocks, pairs).Mixup(images, images.Shape.N, length, share, partition.RowsPerBlock);
    }
}
