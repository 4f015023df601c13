using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>In inference a convolution, its batch norm and ReLU are one kernel.</summary>
internal static class NormalisedUnit
{
    public static Step? Match(StatefulGraph graph, int node) => ConvolutionUnit.At(graph, node) is { } unit
        ? unit.ToStep((pass, x) =>
        {
            ConvolutionShape shape = unit.ShapeOn(x.Shape);
            Tensor y = pass.Rent(shape.Output, pass.Session.ActivationType);
            NormalisedConvolution.Forward(
                pass.Session, shape, new ChannelRange(y), x, unit.Weight.Value, unit.BatchNorm, unit.Rectify);
            return y;
        })
        : null;
}
