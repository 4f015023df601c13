using System.Numerics;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>A convolution's weight and the batch norm after it.</summary>
internal readonly record struct NormalisedWeight(Tensor Weight, BatchNormLayer Layer);

/// <summary>
/// Inference through a depthwise convolution, the pointwise one after it and perhaps one before it, strip by strip, so that what lies
/// between them stays in the cache. The same bits as of <see cref="NormalisedConvolution"/> one after the other. Pointwise ones are
/// followed by ReLU, the depthwise one is not. Kernels: branch_normalised_k{size}_s{stride}.
/// </summary>
internal static class NormalisedBranch
{
    // Pixels of a band: some tiles of the product (kernels/host/gemm.h), enough that going through the weights costs little.
    private const int BandPixels = 400;

    // A line of the cache.
    private const int Alignment = 64;

    // Strips for each thread of a CPU.
    private const int StripsPerProcessor = 4;

    /// <summary>
    /// Whether it is faster than one after the other: on a CPU, where there are enough strips to keep its threads busy. A GPU's memory is
    /// so fast that moving what lies between costs less than working through strips, each with fewer threads at work and many barriers.
    /// </summary>
    /// <param name="session">Where the kernel would run.</param>
    /// <param name="shape">Of the depthwise convolution.</param>
    public static bool Applies(Session session, in ConvolutionShape shape)
    {
        if (!session.Device.BlocksAreThreads) return false;
        int rows = shape.Output.N * shape.Output.H;
        return Partition.OfRows(rows, RowsPerStrip(session.Processors, shape)).Blocks >= Math.Min(rows, session.Processors);
    }

    /// <param name="depthwise">The shape of the depthwise convolution.</param>
    /// <param name="y">Overwritten.</param>
    /// <param name="x">A whole tensor where there is no first convolution.</param>
    /// <param name="first">The pointwise convolution before the depthwise one, if there is one.</param>
    /// <param name="passBy">Whether the even channels of x's tensor are copied to the first ones of y's; at stride 1.</param>
    public static void Forward(
        Session session, in ConvolutionShape depthwise, ChannelRange y, ChannelRange x, NormalisedWeight? first, NormalisedWeight second,
        NormalisedWeight third, bool passBy)
    {
        if (y.Step != 1) throw new ArgumentException("Results are neighbours.");
        if (first == null && (x is not { First: 0, Step: 1 } || x.Tensor.Shape.C != depthwise.Input.C))
        {
            throw new ArgumentException("A depthwise convolution takes whole tensors.");
        }
        ElementType type = y.Tensor.ElementType;
        if (first is var (weight, layer)) FusedConvolution.RequireTerms(type, weight.Shape.W, layer);
        FusedConvolution.RequireTerms(type, depthwise.Input.C, third.Layer);
        (Shape input, Shape output) = (depthwise.Input, depthwise.Output);
        int rows = output.N * output.H, perStrip = RowsPerStrip(session.Processors, depthwise);
        int bands = Math.Max(1, perStrip * output.W / BandPixels), perBand = (perStrip + bands - 1) / bands;
        int blocks = Math.Min(Partition.OfRows(rows, perStrip).Blocks, StripsFor(session.Processors));
        long perBlock = WorkspaceOf(depthwise, first, x.Step, type, perBand);
        using Tensor workspace = session.Rent(Shape.Matrix(blocks, checked((int)perBlock)), type);
        using Tensor? folded1 = first == null ? null : FoldedBatchNorms.Get(session, first.Value.Layer);
        using Tensor folded2 = FoldedBatchNorms.Get(session, second.Layer), folded3 = FoldedBatchNorms.Get(session, third.Layer);
        using Tensor? packed1 = first == null ? null : PackedWeights.Get(session, first.Value.Weight, type);
        using Tensor packed3 = PackedWeights.Get(session, third.Weight, type);
        session.Grid(blocks).BranchNormalised(
            depthwise.Kernel, depthwise.Stride, y.Start, x.Start, passBy ? y.Tensor : null, passBy ? x.Tensor : null, workspace,
            packed1, folded1, second.Weight, folded2, packed3, folded3,
            input.N, input.H, input.W, output.H, output.W, input.C, first?.Weight.Shape.W ?? 0, third.Weight.Shape.C,
            x.Tensor.Shape.C, x.Step, y.Tensor.Shape.C, passBy ? x.Tensor.Shape.C / 2 : 0, perStrip, perBand, perBlock);
    }

    // So that all processors finish together.
    private static int StripsFor(int processors) => processors == 1 ? 1 : StripsPerProcessor * processors;

    // Values for each block: the depthwise convolution's results, its inputs where they are made, and for a product of bf16 what that
    // reads where it does not lie together (kernels/branch.cu).
    private static long WorkspaceOf(
        in ConvolutionShape depthwise, NormalisedWeight? first, int step, ElementType type, int rowsPerBand)
    {
        int channels = depthwise.Input.C, alignment = Alignment / type.Size;
        long values = (long)rowsPerBand * depthwise.Output.W * channels;
        if (first is var (weight, _))
        {
            long pixels = (((long)(rowsPerBand - 1) * depthwise.Stride) + depthwise.Kernel) * depthwise.Input.W;
            values += pixels * (channels + (type == ElementType.BFloat16 && step != 1 ? weight.Shape.W : 0));
        }
        return (values + alignment - 1) / alignment * alignment;
    }

    // Of results: whole images, several of them where they are small; or where there are few, as few parts of an image as give each
    // processor the same. What is read on both sides of a cut is made twice, so parts are not narrow.
    private static int RowsPerStrip(int processors, in ConvolutionShape depthwise)
    {
        Shape output = depthwise.Output;
        int strips = StripsFor(processors);
        if (output.N >= strips) return output.H * Math.Clamp(BandPixels / (output.H * output.W), 1, output.N / strips);
        int parts = processors / (int)BigInteger.GreatestCommonDivisor(processors, output.N);
        return Math.Max(Math.Min(output.H, 2 * depthwise.Kernel), Partition.Ceiling(output.H, parts));
    }
}
