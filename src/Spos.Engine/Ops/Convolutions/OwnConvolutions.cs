using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>The hand-written kernels.</summary>
internal sealed class OwnConvolutions(Session session) : IConvolutionEngine
{
    public string Name => "own";

    public void Forward(in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight)
    {
        switch (shape.Kind)
        {
            case ConvolutionKind.Stem:
                StemConvolution.Forward(session, y, x, weight);
                break;
            case ConvolutionKind.Pointwise:
                PointwiseConvolution.Forward(session, y, x, weight);
                break;
            default:
                DepthwiseConvolution.Forward(session, shape, y, x, weight);
                break;
        }
    }

    public void BackwardData(in ConvolutionShape shape, Tensor dx, Tensor dy, Tensor weight)
    {
        switch (shape.Kind)
        {
            case ConvolutionKind.Stem:
                throw new NotSupportedException("Images get no gradient.");
            case ConvolutionKind.Pointwise:
                PointwiseConvolution.BackwardData(session, dx, dy, weight);
                break;
            default:
                DepthwiseConvolution.BackwardData(session, shape, dx, dy, weight);
                break;
        }
    }

    public void BackwardWeights(in ConvolutionShape shape, Parameter weight, Tensor dy, Tensor x)
    {
        switch (shape.Kind)
        {
            case ConvolutionKind.Stem:
                StemConvolution.BackwardWeights(session, weight, dy, x);
                break;
            case ConvolutionKind.Pointwise:
                PointwiseConvolution.BackwardWeights(session, weight, dy, x);
                break;
            default:
                DepthwiseConvolution.BackwardWeights(session, shape, weight, dy, x);
                break;
        }
    }
}
