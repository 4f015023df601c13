using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>A graph as steps, which rules have made of it once, and their execution.</summary>
internal sealed class GraphSteps
{
    private readonly int[] _uses;

    /// <exception cref="NotSupportedException">Nothing computes a node.</exception>
    public GraphSteps(StatefulGraph graph, FusionRules rules)
    {
        int count = graph.Nodes.Length;
        bool[] done = new bool[count], made = new bool[count + 1];
        made[0] = true;
        var steps = new List<Step>();
        for (int node = 0; node < count; node++)
        {
            if (done[node]) continue;
            Step step = rules.Rules.Select(rule => rule(graph, node)).FirstOrDefault(match => match != null && Fits(match))
                ?? Alone(graph, node);
            foreach (int one in step.Nodes) done[one] = true;
            foreach (int value in step.Outputs) made[value] = true;
            steps.Add(step);
        }
        Steps = [.. steps];
        _uses = new int[count + 1];
        foreach (int value in steps.SelectMany(step => step.Inputs)) _uses[value]++;
        _uses[^1]++;

        // What it takes is there, what it does is not done yet, and what it does not make nobody else needs.
        bool Fits(Step step) =>
            step.Inputs.All(value => made[value]) && !step.Nodes.Any(node => done[node])
            && step.Nodes.All(node => step.Outputs.Contains(node + 1)
                || (node + 1 < count && graph.TakersOf(node + 1).All(taker => step.Nodes.Contains(taker))));
    }

    /// <summary>In their order.</summary>
    public ImmutableArray<Step> Steps { get; }

    /// <summary>Does the steps one after the other.</summary>
    /// <param name="x">[N, H, W, C]; taken over, and let go with the last step that takes it, as all values are.</param>
    public Tensor Run(Pass pass, Tensor x)
    {
        var values = new Tensor[_uses.Length];
        int[] left = [.. _uses];
        values[0] = x;
        foreach (Step step in Steps)
        {
            Tensor[] outputs = step.Run(pass, [.. step.Inputs.Select(value => values[value])]);
            for (int i = 0; i < outputs.Length; i++) values[step.Outputs[i]] = outputs[i];
            foreach (int value in step.Inputs)
            {
                if (--left[value] == 0) values[value].Dispose();
            }
        }
        return values[^1];
    }

    private static Step Alone(StatefulGraph graph, int node) => new(
        [node], graph.Nodes[node].Inputs, [node + 1],
        (pass, inputs) => [graph.Nodes[node].Op.Run(pass, inputs, graph.StateOf(node))]);
}
