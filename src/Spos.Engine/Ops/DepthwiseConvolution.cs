using System.Collections.Concurrent;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Depthwise convolution without bias, kernel 3, 5 or 7, stride 1 or 2, padding kernel/2:
/// y[n][oy][ox][c] = Σ x[n][oy·s−p+ky][ox·s−p+kx][c]·w[ky][kx][c].
/// Kernels: depthwise_{forward,backward_data,backward_weights}_k{size}_s{stride}.
/// </summary>
public static class DepthwiseConvolution
{
    // So that a launch makes no text.
    private static readonly ConcurrentDictionary<(string Pass, int Kernel, int Stride), string> Names = new();

    /// <param name="x">[N, H, W, C].</param>
    /// <param name="weight">[K, K, 1, C].</param>
    /// <returns>[N, (H-1)/s+1, (W-1)/s+1, C].</returns>
    public static Tensor Forward(Session session, Tensor x, Parameter weight, int stride) =>
        Convolution.Forward(session, new ConvolutionShape(ConvolutionKind.Depthwise, x.Shape, weight.Shape.C, weight.Shape.N, stride), x, weight);

    internal static void Forward(Session session, in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight) =>
        Launch(session, "forward", shape, Rows(session.Device, shape.Output), y, x, weight);

    internal static void ForwardNormalised(Session session, in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight, Tensor scale, Tensor shift, bool rectify)
    {
        (Shape input, Shape output) = (shape.Input, shape.Output);
        Partition partition = Rows(session.Device, output);
        session.LaunchSlices(
            KernelOf("normalised", shape), partition, input.C, y, x, weight, scale, shift,
            input.N, input.H, input.W, output.H, output.W, input.C, rectify, partition.RowsPerBlock);
    }

    internal static void BackwardData(Session session, in ConvolutionShape shape, Tensor dx, Tensor dy, Tensor weight) =>
        Launch(session, "backward_data", shape, Rows(session.Device, shape.Input), dx, dy, weight);

    internal static void BackwardWeights(Session session, in ConvolutionShape shape, Parameter weight, Tensor dy, Tensor x)
    {
        Partition chunks = Partition.Slices(session.Device, dy.Shape.N * dy.Shape.H, dy.Shape.C, 16, waves: 1);
        using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)weight.Shape.Count)));
        Launch(session, "backward_weights", shape, chunks, partials, dy, x);
        PartialSums.ReduceInto(session, weight, partials);
    }

    private static Partition Rows(Device device, Shape shape) => Partition.Slices(device, shape.N * shape.H, shape.C, 64, waves: 8);

    /// <summary>Launches the kernel of a pass: its tensors, then the sizes that all passes take.</summary>
    internal static void Launch(Session session, string pass, in ConvolutionShape shape, Partition slices, params ReadOnlySpan<KernelArgument> tensors)
    {
        (Shape x, Shape y) = (shape.Input, shape.Output);
        ReadOnlySpan<KernelArgument> sizes = [x.N, x.H, x.W, y.H, y.W, x.C, slices.RowsPerBlock];
        Span<KernelArgument> all = stackalloc KernelArgument[tensors.Length + sizes.Length];
        tensors.CopyTo(all);
        sizes.CopyTo(all[tensors.Length..]);
        session.LaunchSlices(KernelOf(pass, shape), slices, x.C, all);
    }

    private static string KernelOf(string pass, in ConvolutionShape shape) =>
        Names.GetOrAdd((pass, shape.Kernel, shape.Stride), static key => $"depthwise_{key.Pass}_k{key.Kernel}_s{key.Stride}");
}
