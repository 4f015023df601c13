using System.Collections.Immutable;

namespace Spos.Space;

/// <summary>
/// The paper's evolution (arXiv 1904.00420, algorithm 1): random paths under a FLOPs limit, and others if there are some, then in each
/// generation mutations and crossovers of the best so far, filled up with random paths. Or, for a front of accuracy and costs, those of
/// a population that NSGA-II selects of all so far (<see cref="ParetoFront"/>). With a predictor several times as many mutations and
/// crossovers are made, and those are scored that are predicted to be best. No path is scored twice. Its choices depend on the seed and
/// the scores alone, so a search that is run again with known scores repeats itself, and it does not matter how many candidates are scored
/// at once, or together.
/// </summary>
public sealed class EvolutionSearch
{
    // Small spaces run out of new paths: then a generation is smaller.
    private const int TriesPerCandidate = 200;

    // Of fewer scores nothing is predicted.
    private const int LeastLearned = 10;

    private readonly CostTable _flops;
    private readonly LimitedSampler _sampler;
    private readonly EvolutionOptions _options;
    private readonly IReadOnlyList<CostTable> _costs;
    private readonly HashSet<Architecture> _seen = [];
    private readonly List<Candidate> _candidates = [];
    private readonly List<PredictedGeneration> _predictions = [];

    // Of this generation, and how many scores it has learned from.
    private RidgePredictor? _predictor;
    private int _learned;

    // Of NSGA-II: what has survived all generations but the last.
    private Candidate[] _population = [];

    /// <param name="flops">What candidates are told the FLOPs of by; of equally good ones the cheaper is better.</param>
    /// <param name="sampler">All candidates keep its limits.</param>
    /// <param name="costs">What a front is over besides accuracy; null for the FLOPs.</param>
    public EvolutionSearch(CostTable flops, LimitedSampler sampler, EvolutionOptions options, IReadOnlyList<CostTable>? costs = null)
    {
        options.Validate();
        (_flops, _sampler, _options, _costs) = (flops, sampler, options, costs ?? [flops]);
    }

    /// <summary>What is searched.</summary>
    public SearchSpace Space => _flops.Space;

    /// <summary>All scored candidates, in the order in which they were proposed.</summary>
    public IReadOnlyList<Candidate> Candidates => _candidates;

    /// <summary>How well the generations were predicted that were; empty without a predictor.</summary>
    public IReadOnlyList<PredictedGeneration> Predictions => _predictions;

    /// <summary>The same with scorers that each give the accuracy of one path at a time.</summary>
    public Candidate Run(
        IReadOnlyList<Func<Architecture, double>> scorers, Action<Candidate> report, Action<int> generationDone,
        CancellationToken cancel) =>
        Run([.. scorers.Select(scorer => new OneByOne(scorer))], report, generationDone, cancel);

    /// <summary>The same with scorers that each work on a thread of their own, and all give the same.</summary>
    public Candidate Run(
        IReadOnlyList<IPathScorer> scorers, Action<Candidate> report, Action<int> generationDone, CancellationToken cancel) =>
        Run(new ScorerThreads(scorers), report, generationDone, cancel);

    /// <summary>Runs all generations, or until cancelled.</summary>
    /// <param name="scorer">What it gives a path depends on nothing but the path.</param>
    /// <param name="report">Told of each scored candidate, one at a time.</param>
    /// <param name="generationDone">Told of each generation that is scored, from 0.</param>
    /// <returns>The best candidate; of equal ones the cheaper.</returns>
    /// <exception cref="ArgumentException">There is no path that keeps the limits, or none was found.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before the end.</exception>
    public Candidate Run(
        IGenerationScorer scorer, Action<Candidate> report, Action<int> generationDone, CancellationToken cancel)
    {
        for (int generation = 0; generation < _options.MaxEpochs && _candidates.Count < _options.MaxTrials; generation++)
        {
            Learn();
            List<Architecture> paths = Propose(generation, cancel);
            if (generation == 0 && paths.Count == 0) throw _sampler.NoPath;
            new Generation(this, generation, paths, report).Score(scorer, cancel);
            cancel.ThrowIfCancellationRequested();
            if (_predictor != null && paths.Count > 0)
            {
                _predictions.Add(PredictedGeneration.Of(_predictor, _candidates[^paths.Count..], _learned));
            }
            generationDone(generation);
        }
        return Best(1)[0];
    }

    /// <summary>The best of all generations, best first.</summary>
    public Candidate[] Best(int count) => [.. Candidate.BestFirst(_candidates).Take(count)];

    /// <summary>
    /// The candidates than which none is better in one of accuracy and costs and no worse in the others, the cheapest first; of equal ones
    /// the first.
    /// </summary>
    public Candidate[] Front()
    {
        double[][] points = [.. _candidates.Select(PointOf)];
        // Of those that are equal in all.
        IEnumerable<int> first = ParetoFront.Members(points).GroupBy(i => string.Join(' ', points[i])).Select(equal => equal.First());
        return [.. first.OrderBy(i => points[i][1]).ThenBy(i => points[i][0]).Select(i => _candidates[i])];
    }

    private double[] PointOf(Candidate candidate) => PointOf(candidate.Path, candidate.Top1);

    // Less is better.
    private double[] PointOf(Architecture path, double top1) => [-top1, .. _costs.Select(cost => (double)cost.Of(path))];

    // A generation's parents, best first.
    private Candidate[] Parents(int generation)
    {
        if (_options.Strategy == SearchStrategy.Evolution) return Best(_options.NumSelect);
        Candidate[] rivals = [.. _population, .. _candidates.Where(candidate => candidate.Generation == generation - 1)];
        int[] order = ParetoFront.Order([.. rivals.Select(PointOf)]);
        return _population = [.. order.Take(_options.NumPopulation).Select(i => rivals[i])];
    }

    // Any of the parents as likely; of a population of NSGA-II, the better of two.
    private Architecture Pick(Candidate[] parents, CounterRandom random)
    {
        int pick = random.NextInt(parents.Length);
        return parents[_options.Strategy == SearchStrategy.Nsga2 ? Math.Min(pick, random.NextInt(parents.Length)) : pick].Path;
    }

    private List<Architecture> Propose(int generation, CancellationToken cancel)
    {
        var random = new CounterRandom(_options.Seed, RandomPurpose.Search, (ulong)generation);
        var proposed = new List<Architecture>();
        int population = Math.Min(_options.NumPopulation, _options.MaxTrials - _candidates.Count);
        if (generation > 0 && _options.Strategy != SearchStrategy.Random)
        {
            Candidate[] parents = Parents(generation);
            Choose(proposed, Math.Min(population, _options.NumMutation), () => Mutate(Pick(parents, random), random), cancel);
            Choose(proposed, Math.Min(population, _options.NumMutation + _options.NumCrossover), () => Cross(parents, random), cancel);
        }
        Fill(proposed, population, () => _sampler.TryDraw(random), cancel);
        return proposed;
    }

    private void Learn()
    {
        _learned = _candidates.Count;
        _predictor = _options.Predictor != null && _learned >= LeastLearned ? RidgePredictor.Fit(Space, PredictedBy, _candidates) : null;
    }

    private IReadOnlyList<CostTable> PredictedBy => [.. _costs.Prepend(_flops).Distinct()];

    // Of a pool those that are predicted to be best; all that are made where nothing can be predicted.
    private void Choose(List<Architecture> proposed, int count, Func<Architecture?> make, CancellationToken cancel)
    {
        if (_predictor == null)
        {
            Fill(proposed, count, make, cancel);
            return;
        }
        int wanted = count - proposed.Count;
        var pool = new List<Architecture>();
        Fill(pool, wanted * _options.PredictorPool, make, cancel);
        int[] order = OrderOf(pool, _predictor);
        proposed.AddRange(order.Take(wanted).Select(i => pool[i]));
        // The others may come again.
        _seen.ExceptWith(order.Skip(wanted).Select(i => pool[i]));
    }

    // Best first: of a front, as NSGA-II orders predictions and costs.
    private int[] OrderOf(List<Architecture> pool, RidgePredictor predictor)
    {
        double[][] points = [.. pool.Select(path => PointOf(path, predictor.Of(path)))];
        return _options.Strategy == SearchStrategy.Nsga2
            ? ParetoFront.Order(points)
            : [.. Enumerable.Range(0, points.Length).OrderBy(i => points[i][0]).ThenBy(i => i)];
    }

    // What is made is null where there is nothing more to be found.
    private void Fill(List<Architecture> proposed, int count, Func<Architecture?> make, CancellationToken cancel)
    {
        for (long tries = 0; proposed.Count < count && tries < (long)count * TriesPerCandidate; tries++)
        {
            cancel.ThrowIfCancellationRequested();
            if (make() is not { } path) return;
            if (_sampler.Limits.Hold(path) && _seen.Add(path)) proposed.Add(path);
        }
    }

    // The operation and the channel scale of a block are redrawn each by itself.
    private Architecture Mutate(Architecture parent, CounterRandom random)
    {
        int Redrawn(int choice, ImmutableArray<int> left) =>
            random.NextUnit() < _options.MutationProbability ? left[random.NextInt(left.Length)] : choice;
        int[] operations = [.. parent.Operations.Select((operation, block) => Redrawn(operation, Space.Operations[block]))];
        return Architecture.Of(operations, [.. parent.Scales.Select((scale, block) => Redrawn(scale, Space.Scales[block]))]);
    }

    // And each is that of one parent or the other.
    private Architecture Cross(Candidate[] parents, CounterRandom random)
    {
        Architecture a = Pick(parents, random), b = Pick(parents, random);
        int[] Either(IEnumerable<int> one, IEnumerable<int> other) =>
            [.. one.Zip(other).Select(pair => random.NextInt(2) == 0 ? pair.First : pair.Second)];
        int[] operations = Either(a.Operations, b.Operations);
        return Architecture.Of(operations, Either(a.Scales, b.Scales));
    }

    // The candidates of a generation, which are scored in any order.
    private sealed class Generation(EvolutionSearch search, int number, List<Architecture> paths, Action<Candidate> report)
    {
        private readonly Lock _lock = new();
        private readonly bool[] _done = new bool[paths.Count];
        private readonly int _first = search._candidates.Count;

        public void Score(IGenerationScorer scorer, CancellationToken cancel) => scorer.Score(paths, Finish, cancel);

        private void Finish(int i, double score)
        {
            lock (_lock)
            {
                var candidate = new Candidate(paths[i], number, search._flops.Of(paths[i]), score);
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
