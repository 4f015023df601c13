namespace Spos.Engine.Graphs;

/// <summary>Puts a graph together, node by node.</summary>
public sealed class GraphBuilder
{
    /// <summary>The value that goes into the graph.</summary>
    public const int Input = 0;

    private readonly List<GraphNode> _nodes = [];

    /// <summary>Adds an op without a module in PyTorch, and returns its result.</summary>
    public int Add(GraphOp op, params ReadOnlySpan<int> inputs) => Add("", op, inputs);

    /// <summary>Adds an op, and returns its result.</summary>
    /// <param name="name">See <see cref="GraphNode.Name"/>.</param>
    public int Add(string name, GraphOp op, params ReadOnlySpan<int> inputs)
    {
        _nodes.Add(new GraphNode(name, op, [.. inputs]));
        return _nodes.Count;
    }

    /// <summary>The graph of what was added; its result is that of the last node.</summary>
    public Graph Build() => new(_nodes);
}
