using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>A graph with its parameters and statistics, which runs it in the steps that rules make of it.</summary>
public sealed class GraphModule : IDisposable
{
    private readonly Graph _graph;
    private readonly object?[] _states;
    private readonly StatefulGraph _stateful;
    private readonly Dictionary<FusionRules, GraphSteps> _steps = [];

    /// <param name="prefix">What the graph's names follow in the official checkpoints, such as "features.3.0.".</param>
    /// <param name="groupOf">The group that the parameters of a node, by its name in the graph, are added to.</param>
    /// <exception cref="NotSupportedException">Nothing computes a node.</exception>
    internal GraphModule(Graph graph, string prefix, Func<string, ParameterGroup> groupOf)
    {
        _graph = graph;
        _states = new object?[graph.Nodes.Length];
        var states = new List<NodeState>();
        // The official modules declare branch_main first, though branch_proj runs first.
        foreach ((int index, GraphNode node) in graph.Nodes.Index().OrderBy(n => BranchOf(n.Item.Name) == NetworkGraph.Projection))
        {
            string name = $"{prefix}{node.Name}";
            _states[index] = node.Op.NewState(name, groupOf(node.Name));
            if (_states[index] is { } state) states.Add(new NodeState(name, node.Op, state));
        }
        States = [.. states];
        _stateful = new StatefulGraph(graph, _states);
        Branches = BranchedBlock.Of(_stateful);
        _ = StepsBy(FusionRules.OpByOp);
    }

    /// <summary>The graph as a block of two branches, which the fused plan has kernels for; null if it is something else.</summary>
    internal BranchedBlock? Branches { get; }

    /// <summary>What nodes have of their own, in the order of PyTorch's state dict.</summary>
    internal ImmutableArray<NodeState> States { get; }

    /// <summary>Runs the graph.</summary>
    /// <param name="x">[N, H, W, C]; taken over, and let go as soon as no step needs it.</param>
    internal Tensor Forward(Pass pass, FusionRules rules, Tensor x) => StepsBy(rules).Run(pass, x);

    public void Dispose()
    {
        foreach (IDisposable state in _states.OfType<IDisposable>()) state.Dispose();
    }

    /// <summary>What a node has of its own.</summary>
    internal object? StateOf(string node) => _states[_graph.Nodes.Index().First(n => n.Item.Name == node).Index];

    private static string BranchOf(string node) => node.Split('.')[0];

    private GraphSteps StepsBy(FusionRules rules)
    {
        if (!_steps.TryGetValue(rules, out GraphSteps? steps)) _steps[rules] = steps = new GraphSteps(_stateful, rules);
        return steps;
    }
}

/// <summary>A node of a network that has parameters or statistics.</summary>
/// <param name="Name">In the official checkpoints, such as "features.3.0.branch_main.0".</param>
/// <param name="State">What <see cref="GraphOp.NewState"/> has made.</param>
internal sealed record NodeState(string Name, GraphOp Op, object State)
{
    /// <summary>Its arrays, with what they are called after the node's name.</summary>
    public IEnumerable<(OpTensor Tensor, Tensor Values)> Arrays => Op.Tensors.Zip(Op.ArraysOf(State));
}
