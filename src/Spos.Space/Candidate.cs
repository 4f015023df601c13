namespace Spos.Space;

/// <summary>A scored path.</summary>
/// <param name="Generation">The generation that found it, from 0.</param>
/// <param name="Top1">Its accuracy with the supernet's weights.</param>
public sealed record Candidate(Architecture Path, int Generation, double Flops, double Top1)
{
    /// <summary>The best first: of as accurate ones that with fewer FLOPs.</summary>
    public static IEnumerable<Candidate> BestFirst(IEnumerable<Candidate> candidates) =>
        candidates.OrderByDescending(one => one.Top1).ThenBy(one => one.Flops).ThenBy(one => one.Path.ToString(), StringComparer.Ordinal);
}
