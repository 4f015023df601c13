namespace Spos.Space;

/// <summary>Scores the candidates of a generation.</summary>
public interface IGenerationScorer
{
    /// <summary>Scores all paths, in any order. It ends early where it is cancelled.</summary>
    /// <param name="done">Told of each path's number and its accuracy, once, from any thread.</param>
    void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel);
}
