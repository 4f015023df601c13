using Spos.Engine.Graphs;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>
/// The pattern of a ShuffleNetV2 block: the whole graph is two branches, whose results are concatenated. Each is units, by turns pointwise
/// with ReLU and depthwise without, the last of them pointwise; or the first branch is the even channels, which pass by, and the main one
/// takes the odd ones.
/// </summary>
/// <param name="Projection">The first branch; empty where channels pass by.</param>
internal sealed record BranchedBlock(IReadOnlyList<ConvolutionUnit> Main, IReadOnlyList<ConvolutionUnit> Projection)
{
    /// <summary>How many channels the first branch makes, or pass by.</summary>
    public int FirstChannels => Projection.Count > 0 ? Projection[^1].Convolution.Outputs : Main[0].Convolution.Inputs;

    /// <summary>The pattern in a graph; null if the graph is none.</summary>
    public static BranchedBlock? Of(StatefulGraph graph)
    {
        GraphNode last = graph.Nodes[^1];
        if (last.Op is not ConcatOp || last.Inputs is not [var first, var second]) return null;
        Dictionary<int, ConvolutionUnit> units = Enumerable.Range(0, graph.Nodes.Length)
            .Select(node => ConvolutionUnit.At(graph, node)).OfType<ConvolutionUnit>().ToDictionary(unit => unit.Output);
        List<ConvolutionUnit> projection = ChainTo(ref first), main = ChainTo(ref second);
        bool passes = projection.Count == 0;
        int nodes = 1 + (passes ? 2 : 0) + projection.Concat(main).Sum(unit => unit.Nodes.Length);
        bool isAll = main.Count > 0 && nodes == graph.Nodes.Length && (passes
            ? IsHalf(first, 0) && IsHalf(second, 1)
            : first == GraphBuilder.Input && second == GraphBuilder.Input);
        return isAll && AlternatesTo(main) && (passes || AlternatesTo(projection)) ? new BranchedBlock(main, projection) : null;

        // The units that end in a value, which becomes the one that they begin with.
        List<ConvolutionUnit> ChainTo(ref int value)
        {
            var chain = new List<ConvolutionUnit>();
            for (; units.TryGetValue(value, out ConvolutionUnit? unit); value = unit.Input) chain.Insert(0, unit);
            return chain;
        }

        bool IsHalf(int value, int which) =>
            value > 0 && graph.Nodes[value - 1] is { Op: EverySecondChannelOp { First: var start }, Inputs: [GraphBuilder.Input] }
            && start == which;
    }

    /// <summary>The shape of the result for an input of that shape.</summary>
    public Shape OutputOn(Shape x)
    {
        foreach (ConvolutionUnit unit in Main) x = unit.ShapeOn(x).Output;
        return x.WithChannels(FirstChannels + x.C);
    }

    private static bool AlternatesTo(List<ConvolutionUnit> units) =>
        units.AsEnumerable().Reverse().Index().All(unit =>
            unit.Item.Kind == (unit.Index % 2 == 0 ? ConvolutionKind.Pointwise : ConvolutionKind.Depthwise)
            && unit.Item.Rectify == (unit.Item.Kind == ConvolutionKind.Pointwise));
}
