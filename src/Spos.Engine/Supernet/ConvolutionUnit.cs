using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>A convolution, batch norm and perhaps ReLU: what all of the network is made of.</summary>
public sealed record UnitSpec(ConvolutionKind Kind, int Input, int Output, int Kernel, int Stride, bool Rectify)
{
    public static UnitSpec Pointwise(int input, int output) => new(ConvolutionKind.Pointwise, input, output, 1, 1, true);

    public static UnitSpec Depthwise(int channels, int kernel, int stride) => new(ConvolutionKind.Depthwise, channels, channels, kernel, stride, false);

    public static UnitSpec Stem(int output) => new(ConvolutionKind.Stem, 3, output, 3, 2, true);

    /// <summary>Of the weight; see <see cref="Parameter.Shape"/>.</summary>
    public Shape WeightShape => new(Kernel, Kernel, Kind == ConvolutionKind.Depthwise ? 1 : Input, Output);

    /// <summary>Multiply-adds of one image at an input of <paramref name="size"/>², and the size after it.</summary>
    public (long MultiplyAdds, int Size) Cost(int size)
    {
        int output = (size - 1) / Stride + 1;
        return (WeightShape.Count * output * output, output);
    }
}

/// <summary>A unit with its parameters.</summary>
public sealed class ConvolutionUnit(UnitSpec spec, Parameter weight, BatchNormLayer batchNorm)
{
    public UnitSpec Spec { get; } = spec;

    public Parameter Weight { get; } = weight;

    public BatchNormLayer BatchNorm { get; } = batchNorm;

    internal NormalisedWeight NormalisedWeight => new(Weight.Value, BatchNorm);

    /// <summary>The caller keeps its reference to <paramref name="x"/>.</summary>
    public Tensor Forward(Session session, Tensor x)
    {
        if (NormalisedConvolution.Applies(session))
        {
            ConvolutionShape shape = ShapeOn(x.Shape);
            Tensor result = session.Rent(shape.Output);
            ForwardNormalised(session, shape, new ChannelRange(result), new ChannelRange(x));
            return result;
        }
        Tensor y = Spec.Kind switch
        {
            ConvolutionKind.Stem => StemConvolution.Forward(session, x, Weight),
            ConvolutionKind.Pointwise => PointwiseConvolution.Forward(session, x, Weight),
            _ => DepthwiseConvolution.Forward(session, x, Weight, Spec.Stride),
        };
        return BatchNormalisation.Forward(session, y, BatchNorm, Spec.Rectify);
    }

    /// <summary>The unit's convolution on an input [N, H, W, any number of channels, of which it takes its own].</summary>
    internal ConvolutionShape ShapeOn(Shape input) => new(Spec.Kind, input.WithChannels(Spec.Input), Spec.Output, Spec.Kernel, Spec.Stride);

    /// <summary>Inference from channels of one tensor to channels of another.</summary>
    internal void ForwardNormalised(Session session, in ConvolutionShape shape, ChannelRange y, ChannelRange x) =>
        NormalisedConvolution.Forward(session, shape, y, x, Weight.Value, BatchNorm, Spec.Rectify);
}
