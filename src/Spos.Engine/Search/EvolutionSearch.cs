using Spos.Engine.Random;
using Spos.Engine.Supernet;

namespace Spos.Engine.Search;

/// <summary>
/// The paper's evolution (arXiv 1904.00420, algorithm 1): random paths under a FLOPs limit, then in each generation
/// mutations and crossovers of the best so far, filled up with random paths. No path is scored twice. Its choices depend
/// on the seed and the scores alone, so a search that is run again with known scores repeats itself.
/// </summary>
public sealed class EvolutionSearch
{
    // Small spaces run out of new paths: then a generation is smaller.
    private const int TriesPerCandidate = 200;

    private readonly FlopsTable _flops;
    private readonly PathSampler _sampler;
    private readonly EvolutionOptions _options;
    private readonly HashSet<Architecture> _seen = [];
    private readonly List<Candidate> _candidates = [];

    public EvolutionSearch(FlopsTable flops, PathSampler sampler, EvolutionOptions options)
    {
        options.Validate();
        (_flops, _sampler, _options) = (flops, sampler, options);
    }

    /// <summary>All scored candidates, in order.</summary>
    public IReadOnlyList<Candidate> Candidates => _candidates;

    /// <summary>Runs all generations, or until cancelled.</summary>
    /// <param name="score">The accuracy of a path.</param>
    /// <param name="report">Told of each scored candidate.</param>
    /// <returns>The best candidate; of equal ones the cheaper.</returns>
    /// <exception cref="ArgumentException">No path is within the limit.</exception>
    public Candidate Run(Func<Architecture, double> score, Action<Candidate> report, CancellationToken cancel)
    {
        for (int generation = 0; generation < _options.MaxEpochs; generation++)
        {
            foreach (Architecture path in Propose(generation))
            {
                cancel.ThrowIfCancellationRequested();
                var candidate = new Candidate(path, generation, _flops.Of(path), score(path));
                _candidates.Add(candidate);
                report(candidate);
            }
        }
        return Best(1)[0];
    }

    /// <summary>The best of all generations, best first.</summary>
    public Candidate[] Best(int count) =>
        [.. _candidates.OrderByDescending(c => c.Top1).ThenBy(c => c.Flops).ThenBy(c => c.Path.ToString(), StringComparer.Ordinal).Take(count)];

    private List<Architecture> Propose(int generation)
    {
        var random = new CounterRandom(_options.Seed, RandomPurpose.Search, (ulong)generation);
        var proposed = new List<Architecture>();
        if (generation > 0)
        {
            Candidate[] parents = Best(_options.NumSelect);
            Fill(proposed, _options.NumMutation, () => Mutate(parents[random.NextInt(parents.Length)].Path, random));
            Fill(proposed, _options.NumMutation + _options.NumCrossover, () => Cross(parents, random));
        }
        Fill(proposed, _options.NumPopulation, () => _sampler.Within(random, 0, _options.FlopsLimit));
        return proposed;
    }

    private void Fill(List<Architecture> proposed, int count, Func<Architecture> make)
    {
        for (int tries = 0; proposed.Count < count && tries < count * TriesPerCandidate; tries++)
        {
            Architecture path = make();
            if (_flops.Of(path) <= _options.FlopsLimit && _seen.Add(path)) proposed.Add(path);
        }
    }

    private Architecture Mutate(Architecture parent, CounterRandom random) =>
        new(parent.Blocks.Select(choice => random.NextUnit() < _options.MutationProbability ? random.NextInt(Architecture.Choices) : choice));

    private static Architecture Cross(Candidate[] parents, CounterRandom random)
    {
        Architecture a = parents[random.NextInt(parents.Length)].Path, b = parents[random.NextInt(parents.Length)].Path;
        return new Architecture(a.Blocks.Zip(b.Blocks).Select(pair => random.NextInt(2) == 0 ? pair.First : pair.Second));
    }
}
