using System.Collections.Immutable;
using Spos.Engine.Graphs;

namespace Spos.Engine.Fusion;

/// <summary>A graph with what its nodes have of their own: where rules look for patterns.</summary>
/// <param name="states">What each node's <see cref="GraphOp.NewState"/> has made.</param>
internal sealed class StatefulGraph(Graph graph, IReadOnlyList<object?> states)
{
    private readonly ILookup<int, int> _takers = graph.Nodes.Index()
        .SelectMany(node => node.Item.Inputs, (node, value) => (node.Index, Value: value)).ToLookup(use => use.Value, use => use.Index);

    public ImmutableArray<GraphNode> Nodes => graph.Nodes;

    /// <summary>What a node has of its own.</summary>
    public object? StateOf(int node) => states[node];

    /// <summary>The nodes that take a value: 0 is the graph's input, n + 1 the result of node n.</summary>
    public IEnumerable<int> TakersOf(int value) => _takers[value];

    /// <summary>The node that alone takes the result of a node, if its op is of that kind.</summary>
    public int? Follower<T>(int node)
        where T : GraphOp => _takers[node + 1].ToArray() is [var only] && Nodes[only].Op is T ? only : null;
}
