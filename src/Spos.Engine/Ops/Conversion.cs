using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>Values as another type: floats are rounded to bf16, bf16 become floats. Kernels: convert_to_{bf16,floats}.</summary>
internal static class Conversion
{
    /// <summary>Takes over <paramref name="x"/>, and makes the same of it as another type; itself if it is of that type.</summary>
    public static Tensor Of(Session session, Tensor x, ElementType type)
    {
        if (x.ElementType == type) return x;
        Tensor y = session.Rent(x.Shape, type);
        long length = x.Shape.Count;
        Partition partition = Partition.Flat(session.Device, length);
        LaunchGrid grid = session.Grid(partition.Blocks);
        if (type == ElementType.BFloat16) grid.ConvertToBf16(y, x, length, partition.RowsPerBlock);
        else grid.ConvertToFloats(y, x, length, partition.RowsPerBlock);
        x.Dispose();
        return y;
    }
}
