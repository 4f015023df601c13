using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A scorer that does not score again what is known.</summary>
/// <param name="known">Scores by architecture.</param>
internal sealed class KnowingScorer(IPathScorer scorer, Dictionary<string, Candidate> known) : IPathScorer
{
    public int Room => scorer.Room;

    public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths)
    {
        Architecture[] others = [.. paths.Where(path => !known.ContainsKey(path.ToString()))];
        var scores = new Queue<double>(others.Length > 0 ? scorer.Score(others) : []);
        return [.. paths.Select(path => known.TryGetValue(path.ToString(), out Candidate? before) ? before.Top1 : scores.Dequeue())];
    }
}
