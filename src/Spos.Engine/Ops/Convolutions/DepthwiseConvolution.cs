using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// Depthwise convolution without bias, kernel 3, 5 or 7, stride 1 or 2, padding kernel/2:
/// y[n][oy][ox][c] = Σ x[n][oy·s−p+ky][ox·s−p+kx][c]·w[ky][kx][c].
/// Kernels: depthwise_{forward,backward_data,backward_weights}_k{size}_s{stride}.
/// </summary>
public static class DepthwiseConvolution
{
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="weight">[K, K, 1, C].</param>
    /// <returns>[N, (H-1)/s+1, (W-1)/s+1, C].</returns>
    public static Tensor Forward(Pass pass, Tensor x, Parameter weight, int stride) =>
        Convolution.Forward(
            pass, new ConvolutionShape(ConvolutionKind.Depthwise, x.Shape, weight.Shape.C, weight.Shape.N, stride), x, weight);

    internal static void Forward(Session session, in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight)
    {
        (Shape input, Shape output) = (shape.Input, shape.Output);
        Partition partition = Rows(session.Device, output);
        session.Slices(partition, input.C).DepthwiseForward(
            shape.Kernel, shape.Stride, y, x, weight, input.N, input.H, input.W, output.H, output.W, input.C, partition.RowsPerBlock);
    }

    internal static void ForwardNormalised(
        Session session, in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight, Tensor scale, Tensor shift, bool rectify)
    {
        (Shape input, Shape output) = (shape.Input, shape.Output);
        Partition partition = Rows(session.Device, output);
        session.Slices(partition, input.C).DepthwiseNormalised(
            shape.Kernel, shape.Stride, y, x, weight, scale, shift,
            input.N, input.H, input.W, output.H, output.W, input.C, rectify, partition.RowsPerBlock);
    }

    internal static void BackwardData(Session session, in ConvolutionShape shape, Tensor dx, Tensor dy, Tensor weight)
    {
        (Shape input, Shape output) = (shape.Input, shape.Output);
        Partition partition = Rows(session.Device, input);
        session.Slices(partition, input.C).DepthwiseBackwardData(
            shape.Kernel, shape.Stride, dx, dy, weight, input.N, input.H, input.W, output.H, output.W, input.C, partition.RowsPerBlock);
    }

    internal static void BackwardWeights(Session session, in ConvolutionShape shape, Parameter weight, Tensor dy, Tensor x)
    {
        (Shape input, Shape output) = (shape.Input, shape.Output);
        Partition chunks = Partition.Slices(session.Device, output.N * output.H, output.C, 16, waves: 1);
        using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)weight.Shape.Count)));
        session.Slices(chunks, input.C).DepthwiseBackwardWeights(
            shape.Kernel, shape.Stride, partials, dy, x, input.N, input.H, input.W, output.H, output.W, input.C, chunks.RowsPerBlock);
        PartialSums.ReduceInto(session, weight, partials);
    }

    private static Partition Rows(Device device, Shape shape) => Partition.Slices(device, shape.N * shape.H, shape.C, 64, waves: 8);
}
