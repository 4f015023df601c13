using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>The pattern of a convolution whose result its batch norm alone takes, and perhaps ReLU that of the batch norm.</summary>
/// <param name="Nodes">In their order.</param>
/// <param name="Input">The value that it takes.</param>
internal sealed record ConvolutionUnit(
    ConvolutionOp Convolution, Parameter Weight, BatchNormLayer BatchNorm, bool Rectify, ImmutableArray<int> Nodes, int Input)
{
    public ConvolutionKind Kind => Convolution.Kind;

    /// <summary>The value that it makes.</summary>
    public int Output => Nodes[^1] + 1;

    public NormalisedWeight NormalisedWeight => new(Weight.Value, BatchNorm);

    /// <summary>The unit that begins with a node; null if there is none.</summary>
    public static ConvolutionUnit? At(StatefulGraph graph, int node)
    {
        if (graph.Nodes[node].Op is not ConvolutionOp convolution || graph.Follower<BatchNormOp>(node) is not { } norm) return null;
        ImmutableArray<int> nodes = graph.Follower<ReluOp>(norm) is { } relu ? [node, norm, relu] : [node, norm];
        return new ConvolutionUnit(
            convolution, (Parameter)graph.StateOf(node)!, (BatchNormLayer)graph.StateOf(norm)!, nodes.Length == 3, nodes,
            graph.Nodes[node].Inputs[0]);
    }

    /// <summary>The unit's convolution on an input [N, H, W, any number of channels, of which it takes its own].</summary>
    public ConvolutionShape ShapeOn(Shape input) => Convolution.ShapeOn(input);

    /// <summary>The unit as a step.</summary>
    /// <param name="run">Makes the result of what it takes, which it borrows.</param>
    public Step ToStep(Func<Pass, Tensor, Tensor> run) =>
        new(Nodes, [Input], [Output], (pass, inputs) => [run(pass, inputs[0])]);
}
