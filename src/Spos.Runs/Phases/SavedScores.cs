using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>
/// The scores of a search and those that an earlier run has left, which together are what is saved: no score that was paid for is lost,
/// wherever a run is stopped and whatever it proposes.
/// </summary>
/// <param name="known">What an earlier run has scored, by architecture, in the order of its file.</param>
internal sealed class SavedScores(EvolutionSearch search, SearchState state, IRunObserver observer, Dictionary<string, Candidate> known)
{
    // What is known and has not been proposed. With another strategy or other probabilities some never is.
    private readonly HashSet<string> _left = [.. known.Keys];
    private Candidate[] _saved = [.. known.Values];

    /// <summary>The scorer, which does not score again what is known.</summary>
    public IGenerationScorer On(IGenerationScorer scorer) => new KnowingScorer(scorer, known);

    /// <summary>Takes note of a candidate that the search has now.</summary>
    /// <returns>Whether its score is new.</returns>
    public bool IsNew(Candidate candidate) => !_left.Remove(candidate.Path.ToString());

    /// <summary>
    /// Saves them all if the file has others, or has them in another order: what the search has, in the order in which it proposes them,
    /// and then what it has not proposed.
    /// </summary>
    public void Save()
    {
        Candidate[] all = [.. search.Candidates, .. known.Where(one => _left.Contains(one.Key)).Select(one => one.Value)];
        if (all.SequenceEqual(_saved)) return;
        state.Save(all);
        _saved = all;
        observer.Saved(state.FilePath);
    }
}
