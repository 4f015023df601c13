using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// A graph with its parameters and statistics, which runs it op by op. A convolution with the batch norm after it, and with ReLU after
/// that, is one step (<see cref="ConvolutionUnit"/>), and so are both halves of a channel shuffle.
/// </summary>
public sealed class GraphModule : IDisposable
{
    private readonly Graph _graph;
    private readonly object?[] _states;
    private readonly int[] _uses;
    private readonly List<Step> _steps = [];
    private readonly List<(string Node, ConvolutionUnit Unit)> _units = [];

    /// <param name="prefix">What the graph's names follow in the official checkpoints, such as "features.3.0.".</param>
    /// <param name="groupOf">The group that the parameters of a node, by its name in the graph, are added to.</param>
    internal GraphModule(Graph graph, string prefix, Func<string, ParameterGroup> groupOf)
    {
        _graph = graph;
        _states = new object?[graph.Nodes.Length];
        _uses = new int[graph.Nodes.Length + 1];
        foreach (int value in graph.Nodes.SelectMany(node => node.Inputs)) _uses[value]++;
        _uses[^1] = 1;
        // As the official modules declare their branches, whichever runs first: branch_main, then branch_proj.
        foreach ((int index, GraphNode node) in graph.Nodes.Index().OrderBy(n => BranchOf(n.Item.Name), StringComparer.Ordinal))
        {
            _states[index] = node.Op.NewState($"{prefix}{node.Name}", groupOf(node.Name));
        }
        for (int index = 0; index < graph.Nodes.Length;) index = AddStep(index);
        IsOfUnits = _steps.All(step => step.Unit != null || step.OtherHalf != null || graph.Nodes[step.Output - 1].Op is ConcatOp);
    }

    /// <summary>The convolution units of a branch, such as "branch_main", in their order.</summary>
    public IReadOnlyList<ConvolutionUnit> UnitsOf(string branch) =>
        [.. _units.Where(one => BranchOf(one.Node) == branch).Select(one => one.Unit)];

    /// <summary>
    /// Whether it is convolution units and the ways of channels among them alone: what the fused plan computes with kernels of its own.
    /// </summary>
    internal bool IsOfUnits { get; }

    /// <summary>The names of convolutions and batch norms that are part of no unit.</summary>
    internal IEnumerable<string> OutsideUnits =>
        from step in _steps
        where step.Unit == null && _graph.Nodes[step.Output - 1].Op is ConvolutionOp or BatchNormOp
        select _graph.Nodes[step.Output - 1].Name;

    /// <summary>Runs the graph.</summary>
    /// <param name="x">[N, H, W, C]; taken over, and let go as soon as no step needs it.</param>
    /// <param name="normalises">In inference: whether a convolution, its batch norm and ReLU are one kernel.</param>
    internal Tensor Forward(Pass pass, Tensor x, bool normalises = false)
    {
        var values = new Tensor[_uses.Length];
        int[] left = [.. _uses];
        values[0] = x;
        foreach (Step step in _steps)
        {
            Tensor[] inputs = [.. step.Inputs.Select(value => values[value])];
            if (step.OtherHalf is { } other) (values[step.Output], values[other]) = ChannelShuffle.Forward(pass, inputs[0]);
            else if (step.Unit is { } unit) values[step.Output] = unit.Forward(pass, inputs[0], normalises);
            else values[step.Output] = _graph.Nodes[step.Output - 1].Op.Run(pass, inputs, _states[step.Output - 1]);
            foreach (int value in step.Inputs)
            {
                if (--left[value] == 0) values[value].Dispose();
            }
        }
        return values[^1];
    }

    public void Dispose()
    {
        foreach (IDisposable state in _states.OfType<IDisposable>()) state.Dispose();
    }

    /// <summary>What a node has of its own.</summary>
    internal object? StateOf(string node) => _states[_graph.Nodes.Index().First(n => n.Item.Name == node).Index];

    private static string BranchOf(string node) => node.Split('.')[0];

    // Adds the step that begins with a node, if another has not taken it, and returns the node after it.
    private int AddStep(int index)
    {
        GraphNode node = _graph.Nodes[index];
        int last = index;
        if (node.Op is EverySecondChannelOp half)
        {
            AddShuffle(index, half.First, node.Inputs[0]);
        }
        else if (node.Op is ConvolutionOp convolution && Follower<BatchNormOp>(index) != null)
        {
            last = Follower<ReluOp>(index + 1) == null ? index + 1 : index + 2;
            var unit = new ConvolutionUnit(
                new UnitSpec(convolution, last == index + 2), (Parameter)_states[index]!, (BatchNormLayer)_states[index + 1]!);
            _units.Add((node.Name, unit));
            _steps.Add(new Step(node.Inputs, last + 1, null, unit));
        }
        else
        {
            _steps.Add(new Step(node.Inputs, index + 1, null, null));
        }
        return last + 1;
    }

    // One kernel makes both halves of a value's channels, where the first of them stands.
    private void AddShuffle(int index, int first, int input)
    {
        (int Index, int First)[] halves =
        [
            .. from node in _graph.Nodes.Index()
            where node.Item.Op is EverySecondChannelOp && node.Item.Inputs[0] == input
            select (node.Index, ((EverySecondChannelOp)node.Item.Op).First),
        ];
        if (halves is not [var one, var other] || one.First + other.First != 1)
        {
            throw new NotSupportedException($"Of a value's channels, those from {first} on alone: both halves are needed, each once.");
        }
        if (index != one.Index) return;
        (int even, int odd) = one.First == 0 ? (one.Index, other.Index) : (other.Index, one.Index);
        _steps.Add(new Step([input], even + 1, odd + 1, null));
        // Both take the value at once.
        _uses[input]--;
    }

    // The op after a node, if it is of that kind and alone takes the node's result.
    private T? Follower<T>(int index)
        where T : GraphOp =>
        index + 1 < _graph.Nodes.Length && _uses[index + 1] == 1 && _graph.Nodes[index + 1].Inputs is [var input] && input == index + 1
            ? _graph.Nodes[index + 1].Op as T : null;

    // Values are counted as in a graph: 0 is its input. A channel shuffle has two results, even channels and odd ones.
    private sealed record Step(ImmutableArray<int> Inputs, int Output, int? OtherHalf, ConvolutionUnit? Unit);
}
