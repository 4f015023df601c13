using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>
/// A convolution, then batch norm and ReLU in one kernel, which writes over what it takes where no backward pass needs that.
/// </summary>
internal static class ConvolvedUnit
{
    public static Step? Match(StatefulGraph graph, int node) => ConvolutionUnit.At(graph, node) is { } unit
        ? unit.ToStep((pass, x) =>
        {
            using Tensor y = Convolution.Forward(pass, unit.ShapeOn(x.Shape), x, unit.Weight);
            return BatchNormalisation.Forward(pass, y, unit.BatchNorm, unit.Rectify, inPlace: true);
        })
        : null;
}
