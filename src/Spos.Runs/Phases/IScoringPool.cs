using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Has candidates scored by other processes as well.</summary>
public interface IScoringPool : IGenerationScorer, IDisposable
{
    /// <summary>The search is over: the others are told so when the pool is disposed of. If it only stops, they wait for it.</summary>
    void MarkDone();
}

/// <summary>What a pool is for.</summary>
/// <param name="Facts">Others may score whose <see cref="ScoringFacts"/> are these.</param>
/// <param name="Own">The scorers of this process.</param>
/// <param name="Folder">The search's folder, where the pool says who scores.</param>
public sealed record PoolSpec(
    IReadOnlyDictionary<string, string> Facts, IReadOnlyList<IPathScorer> Own, string Folder, IRunObserver Observer);

/// <summary>Scores turned out to be wrong: the search goes back to before it had them.</summary>
/// <param name="paths">The architectures whose scores are not to be believed.</param>
public sealed class ScoresWithdrawnException(IReadOnlySet<string> paths) : Exception("scores are withdrawn")
{
    public IReadOnlySet<string> Paths => paths;
}
