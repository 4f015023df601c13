using Spos.Cli.Display;
using Spos.Engine.Checkpoints;
using Spos.Engine.Logs;
using Spos.Space;
using Spos.Engine.Supernet;

namespace Spos.Cli.Runs;

/// <summary>Drives an <see cref="EvolutionSearch"/>: progress, state, logs, and each generation's best.</summary>
internal sealed class SearchRun(EvolutionSearch search, EvolutionOptions options, RunFolder folder, SearchState state, EventWriter events, Dictionary<string, double> known)
{
    /// <summary>The folder of each generation's best, below the search's.</summary>
    public const string Exports = "checkpoints";

    /// <summary>The search, with what it has found so far.</summary>
    public EvolutionSearch Search => search;

    /// <summary>Searches to the end, or until cancelled.</summary>
    /// <returns>Whether it reached the end.</returns>
    public bool Run(IReadOnlyList<Func<Architecture, double>> scorers, CancellationToken cancel)
    {
        // Written anew, for they may be of a longer search.
        folder.ClearBelow(Exports);
        string exports = Path.Combine(folder.Folder, Exports);
        try
        {
            ProgressDisplay.Run("search", Math.Min((long)options.MaxEpochs * options.NumPopulation, options.MaxTrials), "candidate", display => search.Run(
                [.. scorers.Select(scorer => (Func<Architecture, double>)(path => known.TryGetValue(path.ToString(), out double before) ? before : scorer(path)))],
                candidate => AfterCandidate(candidate, display),
                generation => Export(exports, generation),
                cancel));
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void AfterCandidate(Candidate candidate, ProgressDisplay display)
    {
        // While known candidates are gone through again, the file has more than the search.
        if (!known.ContainsKey(candidate.Path.ToString())) state.Save(search.Candidates);
        double best = search.Best(1)[0].Top1;
        display.Report(search.Candidates.Count, 1, $"generation {candidate.Generation + 1}  top-1 {candidate.Top1:0.0%}  best {best:0.0%}");
        events.Scalars(search.Candidates.Count, ("acc1/candidate", candidate.Top1), ("acc1/best", best), ("flops/candidate", candidate.Flops));
    }

    // As NNI's tuner: checkpoints/EEE_III.json; 000 is the first population, and EEE the best after that many generations.
    private void Export(string exports, int generation)
    {
        if (generation == 0) Write(exports, 0, search.Candidates);
        Write(exports, generation + 1, search.Best(options.NumSelect));
        IEnumerable<Candidate> found = search.Candidates.Where(c => c.Generation == generation);
        if (found.Any()) events.Scalars(generation + 1, ("acc1/generation_mean", found.Average(c => c.Top1)));
    }

    private void Write(string exports, int epoch, IEnumerable<Candidate> candidates)
    {
        foreach ((int index, Candidate candidate) in candidates.Index())
        {
            ArchitectureFile.WriteExport(Path.Combine(exports, $"{epoch:D3}_{index:D3}.json"), candidate.Path, search.Space);
        }
    }
}
