using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// The first convolution: 3×3, stride 2, padding 1, from 3 colours, without bias. The images get no gradient.
/// Kernels: stem_forward, stem_backward_weights.
/// </summary>
public static class StemConvolution
{
    /// <param name="images">[N, H, W, 3], H and W even.</param>
    /// <param name="weight">[3, 3, 3, out].</param>
    /// <returns>[N, H/2, W/2, out].</returns>
    public static Tensor Forward(Pass pass, Tensor images, Parameter weight) =>
        Convolution.Forward(pass, new ConvolutionShape(ConvolutionKind.Stem, images.Shape, weight.Shape.C, 3, 2), images, weight);

    internal static void Forward(Session session, Tensor y, Tensor images, Tensor weight)
    {
        (Shape x, Shape output) = (images.Shape, y.Shape);
        Partition partition = Rows(session.Device, output);
        session.Slices(partition, output.C).StemForward(
            y, images, weight, x.N, x.H, x.W, output.H, output.W, output.C, partition.RowsPerBlock);
    }

    internal static void ForwardNormalised(
        Session session, Tensor y, Tensor images, Tensor weight, Tensor scale, Tensor shift, bool rectify)
    {
        (Shape x, Shape output) = (images.Shape, y.Shape);
        Partition partition = Rows(session.Device, output);
        session.Slices(partition, output.C).StemNormalised(
            y, images, weight, scale, shift, x.N, x.H, x.W, output.H, output.W, output.C, rectify, partition.RowsPerBlock);
    }

    internal static void BackwardWeights(Session session, Parameter weight, Tensor dy, Tensor images)
    {
        (Shape x, Shape y) = (images.Shape, dy.Shape);
        Partition chunks = Partition.Slices(session.Device, y.N * y.H, y.C, 16, waves: 2);
        using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)weight.Shape.Count)));
        session.Slices(chunks, y.C).StemBackwardWeights(partials, dy, images, x.N, x.H, x.W, y.H, y.W, y.C, chunks.RowsPerBlock);
        PartialSums.ReduceInto(session, weight, partials);
    }

    private static Partition Rows(Device device, Shape output) => Partition.Slices(device, output.N * output.H, output.C, 64, waves: 8);
}
