using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>A convolution, batch norm and perhaps ReLU, as they follow each other in a graph: what is computed together.</summary>
public sealed record UnitSpec(ConvolutionOp Convolution, bool Rectify)
{
    // The number of groups alone does not tell the kind: a depthwise convolution of one channel has one group.
    public ConvolutionKind Kind { get; } =
        Convolution.Kernel == 1 ? ConvolutionKind.Pointwise
        : Convolution.Groups == Convolution.Inputs ? ConvolutionKind.Depthwise
        : ConvolutionKind.Stem;

    public int Input => Convolution.Inputs;

    public int Output => Convolution.Outputs;

    public int Kernel => Convolution.Kernel;

    public int Stride => Convolution.Stride;

    /// <summary>Of the weight; see <see cref="Parameter.Shape"/>.</summary>
    public Shape WeightShape => new(Kernel, Kernel, Input / Convolution.Groups, Output);
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

/// <summary>Makes units of a graph's nodes.</summary>
internal static class ConvolutionUnits
{
    /// <summary>The units of one branch, with parameters under the nodes' names.</summary>
    /// <param name="prefix">What the graph's names follow in the official checkpoints, such as "features.3.0.".</param>
    /// <param name="branch">The branch's name in the graph; there may be none of it.</param>
    public static IReadOnlyList<ConvolutionUnit> Of(Graph graph, string prefix, string branch, ParameterGroup group)
    {
        var units = new List<ConvolutionUnit>();
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            GraphNode node = graph.Nodes[i];
            if (node.Op is not ConvolutionOp convolution || !node.Name.StartsWith($"{branch}.", StringComparison.Ordinal)) continue;
            GraphNode next = graph.Nodes[i + 1];
            if (next.Op is not BatchNormOp norm) throw new InvalidOperationException($"{prefix}{node.Name} has no batch norm after it.");
            var spec = new UnitSpec(convolution, Rectify: i + 2 < graph.Nodes.Length && graph.Nodes[i + 2].Op is ReluOp);
            Parameter weight = group.Add($"{prefix}{node.Name}.weight", spec.WeightShape, decays: true);
            units.Add(new ConvolutionUnit(spec, weight, new BatchNormLayer($"{prefix}{next.Name}", norm.Channels, norm.IsAffine, group)));
        }
        return units;
    }
}
