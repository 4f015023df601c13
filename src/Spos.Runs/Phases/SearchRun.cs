using Spos.Engine.Checkpoints;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Drives an <see cref="EvolutionSearch"/>: state, each generation's best, and what observers are told.</summary>
/// <param name="asked">All that the search depends on, by option.</param>
/// <param name="known">What an earlier run has scored, by architecture.</param>
internal sealed class SearchRun(
    EvolutionSearch search, EvolutionOptions options, RunFolder folder, SearchState state, IRunObserver observer,
    IReadOnlyDictionary<string, string> asked, Dictionary<string, Candidate> known)
{
    private readonly SavedScores _scores = new(search, state, observer, known);

    /// <summary>The search, with what it has found so far.</summary>
    public EvolutionSearch Search => search;

    /// <summary>Searches to the end, or until cancelled.</summary>
    /// <returns>Whether it reached the end.</returns>
    public bool Run(IGenerationScorer scorer, CancellationToken cancel)
    {
        // Written anew, for they may be of a longer search.
        folder.ClearBelow(SearchState.Exports);
        string exports = Path.Combine(folder.Folder, SearchState.Exports);
        try
        {
            long most = Math.Min((long)options.MaxEpochs * options.NumPopulation, options.MaxTrials);
            // What is known is gone through again: observers are told of it all.
            var part = new RunPart(PartKind.Search, "search", folder.Folder, "candidate", most, known.Count > 0 ? 1 : 0)
            {
                Options = asked,
            };
            observer.Observe(part, () =>
            {
                search.Run(_scores.On(scorer), AfterCandidate, generation => Export(exports, generation), cancel);
                observer.PartDone();
            });
            // Where known candidates are proposed last, those that were saved before stand in another order.
            _scores.Save();
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void AfterCandidate(Candidate candidate)
    {
        // While known candidates are gone through again, the file has them already.
        if (_scores.IsNew(candidate)) _scores.Save();
        observer.Candidate(candidate, search.Candidates.Count, search.Best(1)[0].Top1);
    }

    // As NNI's tuner: checkpoints/EEE_III.json; 000 is the first population, and EEE the best after that many generations.
    private void Export(string exports, int generation)
    {
        if (generation == 0) Write(exports, 0, search.Candidates);
        Write(exports, generation + 1, search.Best(options.NumSelect));
        observer.Generation(generation + 1, [.. search.Candidates.Where(c => c.Generation == generation)]);
    }

    private void Write(string exports, int epoch, IEnumerable<Candidate> candidates)
    {
        foreach ((int index, Candidate candidate) in candidates.Index())
        {
            ArchitectureFile.WriteExport(Path.Combine(exports, $"{epoch:D3}_{index:D3}.json"), candidate.Path, search.Space);
        }
    }
}
