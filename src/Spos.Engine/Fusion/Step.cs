using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>What is done at once of a graph: an op, or several that are fused.</summary>
/// <param name="Nodes">Those that it does.</param>
/// <param name="Inputs">The values that it takes: 0 is the graph's input, n + 1 the result of node n.</param>
/// <param name="Outputs">The values that it makes. What its other nodes make, nobody else takes.</param>
/// <param name="Run">Makes the outputs of the inputs, which it borrows.</param>
internal sealed record Step(
    ImmutableArray<int> Nodes, ImmutableArray<int> Inputs, ImmutableArray<int> Outputs, Func<Pass, Tensor[], Tensor[]> Run);

/// <summary>Fuses ops: where the pattern that it looks for begins with a node of a graph, a step that does what the pattern does.</summary>
/// <returns>Null where the pattern is not there.</returns>
/// <exception cref="NotSupportedException">Nothing computes the node.</exception>
internal delegate Step? FusionRule(StatefulGraph graph, int node);
