using System.Collections.Immutable;

namespace Spos.Engine.Graphs;

/// <summary>An op of a graph.</summary>
/// <param name="Name">
/// The name of its module in the official checkpoints, relative to the graph's, such as "branch_main.0"; empty of an op without a module.
/// </param>
/// <param name="Inputs">The values that it takes: 0 is the graph's input, n + 1 the result of node n.</param>
public sealed record GraphNode(string Name, GraphOp Op, ImmutableArray<int> Inputs);
