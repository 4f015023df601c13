using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>A convolution, batch norm and perhaps ReLU, as they follow each other in a graph: what is computed together.</summary>
public sealed record UnitSpec(ConvolutionOp Convolution, bool Rectify)
{
    public ConvolutionKind Kind => Convolution.Kind;

    public int Input => Convolution.Inputs;

    public int Output => Convolution.Outputs;

    public int Kernel => Convolution.Kernel;
}

/// <summary>A unit with its parameters.</summary>
public sealed class ConvolutionUnit(UnitSpec spec, Parameter weight, BatchNormLayer batchNorm)
{
    public UnitSpec Spec { get; } = spec;

    public Parameter Weight { get; } = weight;

    public BatchNormLayer BatchNorm { get; } = batchNorm;

    internal NormalisedWeight NormalisedWeight => new(Weight.Value, BatchNorm);

    /// <param name="normalises">In inference: whether all is one kernel.</param>
    internal Tensor Forward(Pass pass, Tensor x, bool normalises)
    {
        ConvolutionShape shape = ShapeOn(x.Shape);
        if (normalises)
        {
            Tensor result = pass.Rent(shape.Output);
            ForwardNormalised(pass.Session, shape, new ChannelRange(result), new ChannelRange(x));
            return result;
        }
        using Tensor y = Convolution.Forward(pass, shape, x, Weight);
        return BatchNormalisation.Forward(pass, y, BatchNorm, Spec.Rectify, inPlace: true);
    }

    /// <summary>The unit's convolution on an input [N, H, W, any number of channels, of which it takes its own].</summary>
    internal ConvolutionShape ShapeOn(Shape input) => Spec.Convolution.ShapeOn(input);

    /// <summary>Inference from channels of one tensor to channels of another.</summary>
    internal void ForwardNormalised(Session session, in ConvolutionShape shape, ChannelRange y, ChannelRange x) =>
        NormalisedConvolution.Forward(session, shape, y, x, Weight.Value, BatchNorm, Spec.Rectify);
}
