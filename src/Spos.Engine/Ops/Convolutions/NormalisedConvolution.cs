using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// Some channels of a tensor [N, H, W, C]: channel k of them is its channel <paramref name="First"/> + k·<paramref name="Step"/>.
/// </summary>
internal readonly record struct ChannelRange(Tensor Tensor, int First = 0, int Step = 1)
{
    /// <summary>For a kernel: the range's first value.</summary>
    public ElementSpan Start => ((ElementSpan)Tensor).From(First);
}

/// <summary>
/// Inference's convolution, batch norm by running statistics and ReLU in one kernel: the same bits as of the three after each other,
/// and activations are read and written once. Pointwise ones write channels where they lie, so that concatenation moves nothing.
/// Activations are floats or bf16, which pointwise convolutions multiply with weights rounded to it; images are floats.
/// Kernels: {stem,pointwise,depthwise}_normalised.
/// </summary>
internal static class NormalisedConvolution
{
    /// <param name="y">Overwritten; a whole tensor, unless the convolution is pointwise.</param>
    public static void Forward(
        Session session, in ConvolutionShape shape, ChannelRange y, Tensor x, Tensor weight, BatchNormLayer layer, bool rectify)
    {
        using Tensor folded = FoldedBatchNorms.Get(session, layer);
        using Tensor scale = folded.View(Shape.Vector(layer.Channels)), shift = folded.View(Shape.Vector(layer.Channels), layer.Channels);
        switch (shape.Kind)
        {
            case ConvolutionKind.Pointwise:
                FusedConvolution.RequireTerms(y.Tensor.ElementType, x.Shape.C, layer);
                PointwiseConvolution.ForwardNormalised(session, y, x, weight, scale, shift, rectify);
                break;
            case ConvolutionKind.Stem:
                StemConvolution.ForwardNormalised(session, Whole(y), x, weight, scale, shift, rectify);
                break;
            default:
                DepthwiseConvolution.ForwardNormalised(session, shape, Whole(y), x, weight, scale, shift, rectify);
                break;
        }
    }

    private static Tensor Whole(ChannelRange range) =>
        range is { First: 0, Step: 1 }
            ? range.Tensor
            : throw new ArgumentException("Only pointwise convolutions make a part of the channels.");
}
