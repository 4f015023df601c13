using System.Collections.Immutable;

namespace Spos.Engine.Graphs;

/// <summary>
/// What a part of a network computes, as data: ops in the order in which they are done, from one input to one result, that of the last. The
/// shapes, costs and names of a network, and its forms in other programs, are read off its graphs.
/// </summary>
public sealed class Graph
{
    /// <param name="nodes">Each takes the input and results of nodes before it.</param>
    /// <exception cref="ArgumentException">There is no node, or one that takes what is not there yet, or a name stands twice.</exception>
    public Graph(IEnumerable<GraphNode> nodes)
    {
        Nodes = [.. nodes];
        if (Nodes.IsEmpty) throw new ArgumentException("A graph has nodes.");
        foreach ((int index, GraphNode node) in Nodes.Index())
        {
            if (node.Inputs.IsEmpty || node.Inputs.Any(value => value < 0 || value > index))
            {
                throw new ArgumentException($"Node {index} takes what is not there yet.");
            }
            if (node.Name.Length == 0 && !node.Op.Tensors.IsEmpty) throw new ArgumentException($"Node {index} has tensors and no name.");
        }
        string[] names = [.. Nodes.Select(node => node.Name).Where(name => name.Length > 0)];
        if (names.Distinct().Count() != names.Length) throw new ArgumentException("Two nodes have the same name.");
    }

    public ImmutableArray<GraphNode> Nodes { get; }

    /// <summary>All tensors by their names relative to the graph's, such as "branch_main.0.weight".</summary>
    public IEnumerable<(string Name, OpTensor Tensor)> Tensors =>
        Nodes.SelectMany(node => node.Op.Tensors, (node, tensor) => ($"{node.Name}.{tensor.Name}", tensor));

    /// <summary>How many numbers training moves.</summary>
    public long Parameters => Tensors.Where(t => t.Tensor.IsTrained).Sum(t => t.Tensor.Count);

    /// <summary>The shapes of all values: of the input, then of each node's result.</summary>
    /// <exception cref="ArgumentException">An op does not take what comes to it.</exception>
    public FeatureShape[] ShapesOn(FeatureShape input)
    {
        var shapes = new FeatureShape[Nodes.Length + 1];
        shapes[0] = input;
        for (int i = 0; i < Nodes.Length; i++) shapes[i + 1] = Nodes[i].Op.OutputOf(InputsOf(Nodes[i], shapes));
        return shapes;
    }

    /// <summary>The shape of the result.</summary>
    /// <exception cref="ArgumentException">An op does not take what comes to it.</exception>
    public FeatureShape OutputOn(FeatureShape input) => ShapesOn(input)[^1];

    /// <summary>Multiply-adds for one image, as the paper counts FLOPs.</summary>
    public long MultiplyAddsOn(FeatureShape input)
    {
        FeatureShape[] shapes = ShapesOn(input);
        return Nodes.Sum(node => node.Op.MultiplyAddsOf(InputsOf(node, shapes)));
    }

    private static FeatureShape[] InputsOf(GraphNode node, FeatureShape[] shapes) => [.. node.Inputs.Select(value => shapes[value])];
}
