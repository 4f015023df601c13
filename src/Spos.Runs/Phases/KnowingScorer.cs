using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A scorer that does not score again what is known.</summary>
/// <param name="known">Scores by architecture.</param>
internal sealed class KnowingScorer(IGenerationScorer scorer, Dictionary<string, Candidate> known) : IGenerationScorer
{
    public void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel)
    {
        var others = new List<int>();
        for (int i = 0; i < paths.Count && !cancel.IsCancellationRequested; i++)
        {
            if (known.TryGetValue(paths[i].ToString(), out Candidate? before)) done(i, before.Top1);
            else others.Add(i);
        }
        if (others.Count == 0 || cancel.IsCancellationRequested) return;
        scorer.Score([.. others.Select(i => paths[i])], (i, score) => done(others[i], score), cancel);
    }
}
