using System.Collections.Immutable;

namespace Spos.Engine.Graphs;

/// <summary>An array that an op has of its own.</summary>
/// <param name="Name">As PyTorch's module calls it, such as "weight".</param>
/// <param name="Sizes">In PyTorch's order.</param>
/// <param name="IsTrained">Whether it is a parameter; else it is a statistic.</param>
public sealed record OpTensor(string Name, ImmutableArray<long> Sizes, bool IsTrained)
{
    public long Count => Sizes.Aggregate(1L, (count, size) => count * size);
}
