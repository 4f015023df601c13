using System.Runtime.ExceptionServices;

namespace Spos.Space;

/// <summary>
/// The paper's evolution (arXiv 1904.00420, algorithm 1): random paths under a FLOPs limit, then in each generation
/// mutations and crossovers of the best so far, filled up with random paths. No path is scored twice. Its choices depend
/// on the seed and the scores alone, so a search that is run again with known scores repeats itself, and it does not matter how
/// many candidates are scored at once, or together.
/// </summary>
public sealed class EvolutionSearch
{
    // Small spaces run out of new paths: then a generation is smaller.
    private const int TriesPerCandidate = 200;

    private readonly CostTable _flops;
    private readonly PathSampler _sampler;
    private readonly EvolutionOptions _options;
    private readonly HashSet<Architecture> _seen = [];
    private readonly List<Candidate> _candidates = [];

    public EvolutionSearch(CostTable flops, PathSampler sampler, EvolutionOptions options)
    {
        options.Validate();
        (_flops, _sampler, _options) = (flops, sampler, options);
    }

    /// <summary>What is searched.</summary>
    public SearchSpace Space => _flops.Space;

    /// <summary>All scored candidates, in the order in which they were proposed.</summary>
    public IReadOnlyList<Candidate> Candidates => _candidates;

    /// <summary>The same with scorers that each give the accuracy of one path at a time.</summary>
    public Candidate Run(
        IReadOnlyList<Func<Architecture, double>> scorers, Action<Candidate> report, Action<int> generationDone,
        CancellationToken cancel) =>
        Run([.. scorers.Select(scorer => new OneByOne(scorer))], report, generationDone, cancel);

    /// <summary>Runs all generations, or until cancelled.</summary>
    /// <param name="scorers">Each works on a thread of its own; all give the same.</param>
    /// <param name="report">Told of each scored candidate, one at a time.</param>
    /// <param name="generationDone">Told of each generation that is scored, from 0.</param>
    /// <returns>The best candidate; of equal ones the cheaper.</returns>
    /// <exception cref="ArgumentException">No path is within the limit.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before the end.</exception>
    public Candidate Run(
        IReadOnlyList<IPathScorer> scorers, Action<Candidate> report, Action<int> generationDone, CancellationToken cancel)
    {
        for (int generation = 0; generation < _options.MaxEpochs && _candidates.Count < _options.MaxTrials; generation++)
        {
            List<Architecture> paths = Propose(generation, cancel);
            new Generation(this, generation, paths, report, cancel).Score(scorers);
            cancel.ThrowIfCancellationRequested();
            generationDone(generation);
        }
        return Best(1)[0];
    }

    /// <summary>The best of all generations, best first.</summary>
    public Candidate[] Best(int count) =>
    [
        .. _candidates.OrderByDescending(c => c.Top1).ThenBy(c => c.Flops)
            .ThenBy(c => c.Path.ToString(), StringComparer.Ordinal).Take(count),
    ];

    private List<Architecture> Propose(int generation, CancellationToken cancel)
    {
        var random = new CounterRandom(_options.Seed, RandomPurpose.Search, (ulong)generation);
        var proposed = new List<Architecture>();
        int population = Math.Min(_options.NumPopulation, _options.MaxTrials - _candidates.Count);
        if (generation > 0 && _options.Strategy == SearchStrategy.Evolution)
        {
            Candidate[] parents = Best(_options.NumSelect);
            Fill(
                proposed, Math.Min(population, _options.NumMutation), () => Mutate(parents[random.NextInt(parents.Length)].Path, random),
                cancel);
            Fill(proposed, Math.Min(population, _options.NumMutation + _options.NumCrossover), () => Cross(parents, random), cancel);
        }
        Fill(proposed, population, () => _sampler.Within(random, 0, _options.FlopsLimit), cancel);
        return proposed;
    }

    private void Fill(List<Architecture> proposed, int count, Func<Architecture> make, CancellationToken cancel)
    {
        for (long tries = 0; proposed.Count < count && tries < (long)count * TriesPerCandidate; tries++)
        {
            cancel.ThrowIfCancellationRequested();
            Architecture path = make();
            if (_flops.Of(path) <= _options.FlopsLimit && _seen.Add(path)) proposed.Add(path);
        }
    }

    private Architecture Mutate(Architecture parent, CounterRandom random) =>
        new(parent.Blocks.Zip(_flops.Space.Blocks, (choice, alternatives) =>
            random.NextUnit() < _options.MutationProbability ? random.NextInt(alternatives.Length) : choice));

    private static Architecture Cross(Candidate[] parents, CounterRandom random)
    {
        Architecture a = parents[random.NextInt(parents.Length)].Path, b = parents[random.NextInt(parents.Length)].Path;
        return new Architecture(a.Blocks.Zip(b.Blocks).Select(pair => random.NextInt(2) == 0 ? pair.First : pair.Second));
    }

    // Scores the candidates of a generation, by as many threads as there are scorers.
    private sealed class Generation(
        EvolutionSearch search, int number, List<Architecture> paths, Action<Candidate> report, CancellationToken cancel)
    {
        private readonly Lock _lock = new();
        private readonly bool[] _done = new bool[paths.Count];
        private readonly int _first = search._candidates.Count;

        // Those that no scorer has taken, in the order in which they were proposed.
        private readonly List<int> _left = [.. Enumerable.Range(0, paths.Count)];
        private ExceptionDispatchInfo? _failure;

        public void Score(IReadOnlyList<IPathScorer> scorers)
        {
            Thread[] threads = [.. scorers.Skip(1).Select(scorer => new Thread(() => Work(scorer, scorers.Count)))];
            foreach (Thread thread in threads) thread.Start();
            Work(scorers[0], scorers.Count);
            foreach (Thread thread in threads) thread.Join();
            _failure?.Throw();
        }

        private void Work(IPathScorer scorer, int scorers)
        {
            try
            {
                while (_failure == null && !cancel.IsCancellationRequested)
                {
                    int[] taken = Take(scorer.Room, scorers);
                    if (taken.Length == 0) return;
                    IReadOnlyList<double> scores = scorer.Score([.. taken.Select(i => paths[i])]);
                    foreach ((int i, double score) in taken.Zip(scores))
                    {
                        Finish(i, new Candidate(paths[i], number, search._flops.Of(paths[i]), score));
                    }
                }
            }
            catch (Exception error)
            {
                _failure ??= ExceptionDispatchInfo.Capture(error);
            }
        }

        // The next paths: as many as a scorer has room for, and no more than its share of what is left. Of several, neighbours in the order
        // of choices: what they begin with is computed once.
        private int[] Take(int room, int scorers)
        {
            lock (_lock)
            {
                int count = Math.Min(Math.Max(room, 1), (_left.Count + scorers - 1) / scorers);
                IEnumerable<int> next = count > 1 ? _left.OrderBy(i => paths[i], Architecture.ByChoices) : _left;
                int[] taken = [.. next.Take(count).Order()];
                _left.RemoveAll(taken.Contains);
                return taken;
            }
        }

        private void Finish(int i, Candidate candidate)
        {
            lock (_lock)
            {
                search._candidates.Insert(_first + _done.AsSpan(0, i).Count(true), candidate);
                _done[i] = true;
                report(candidate);
            }
        }
    }

    private sealed class OneByOne(Func<Architecture, double> scorer) : IPathScorer
    {
        public int Room => 1;

        public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths) => [.. paths.Select(scorer)];
    }
}
