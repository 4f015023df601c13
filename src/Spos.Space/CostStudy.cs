using System.Numerics;
using System.Runtime.InteropServices;

namespace Spos.Space;

/// <summary>A path that a fit did not see.</summary>
/// <param name="Measured">Its cost, at the median pace of the study.</param>
public sealed record ValidatedPath(Architecture Path, double Measured, long Predicted);

/// <summary>What a study has found.</summary>
/// <param name="Costs">In whole units.</param>
/// <param name="Validation">Paths of which no round of the fit had any.</param>
public sealed record StudiedCosts(CostTable Costs, IReadOnlyList<ValidatedPath> Validation)
{
    /// <summary>Whether predictions order paths as measuring does; NaN if all are predicted alike.</summary>
    public double Spearman =>
        RankStatistics.Spearman([.. Validation.Select(one => (double)one.Predicted)], [.. Validation.Select(one => one.Measured)]);

    /// <summary>The mean of how far predictions are off, as a share of what was measured.</summary>
    public double MeanRelativeError => Validation.Average(one => Math.Abs(one.Predicted / one.Measured - 1));
}

/// <summary>
/// Finds an additive cost that can only be measured of whole paths, such as latency. Each round measures paths that together have every
/// alternative of every block (<see cref="AdditiveFit.Cover"/>), so that each alternative is in as many measurements as there are
/// rounds, however many alternatives there are. Paths for the validation are measured in between, in several rounds each.
/// </summary>
public sealed class CostStudy
{
    /// <summary>In how many rounds a path of the validation is measured; its cost is the median.</summary>
    public const int Visits = 10;

    private readonly SearchSpace _space;
    private readonly List<Turn>[] _rounds;

    /// <param name="rounds">At least <see cref="LeastRounds"/>.</param>
    /// <param name="validate">Paths for the validation: 2 at least, and at most <see cref="MostValidated"/>.</param>
    public CostStudy(SearchSpace space, int rounds, int validate, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, LeastRounds(space));
        ArgumentOutOfRangeException.ThrowIfLessThan(validate, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(validate, MostValidated(space));
        _space = space;
        var random = new CounterRandom(seed, RandomPurpose.Paths, 0);
        var kept = new OrderedDictionary<Architecture, int>();
        while (kept.Count < validate)
        {
            kept.TryAdd(new Architecture(space.Blocks.Select(alternatives => random.NextInt(alternatives.Length))), kept.Count);
        }
        _rounds = [.. Enumerable.Range(0, rounds).Select(_ => RoundWithout(kept.Keys, random))];
        // One visit after the other of each path, spread over all rounds.
        int visits = Visits * validate;
        for (int visit = 0; visit < visits; visit++)
        {
            _rounds[(int)((long)visit * rounds / visits)].Add(new Turn(kept.GetAt(visit % validate).Key, visit % validate));
        }
        foreach (List<Turn> round in _rounds) random.Shuffle(CollectionsMarshal.AsSpan(round));
    }

    /// <summary>How often a path is measured in all.</summary>
    public int Measurements => _rounds.Sum(round => round.Count);

    /// <summary>Twice as many rounds as there are blocks: of a round, one measurement is for its pace, the others for blocks.</summary>
    public static int LeastRounds(SearchSpace space) => 2 * space.Blocks.Length;

    /// <summary>A quarter of the space, so that enough paths are left for the fit.</summary>
    public static int MostValidated(SearchSpace space) => (int)BigInteger.Min(space.Size / 4, int.MaxValue);

    /// <summary>Measures all paths, one after the other.</summary>
    /// <param name="measure">The cost of a path now.</param>
    /// <param name="report">Told after each measurement.</param>
    public StudiedCosts Run(Func<Architecture, double> measure, Action report)
    {
        var fitted = new List<MeasuredPath>();
        var visited = new List<(int Path, int Round, double Cost)>();
        var paths = new SortedDictionary<int, Architecture>();
        foreach ((int round, List<Turn> turns) in _rounds.Index())
        {
            foreach (Turn turn in turns)
            {
                double cost = measure(turn.Path);
                if (turn.Validated is { } number)
                {
                    visited.Add((number, round, cost));
                    paths[number] = turn.Path;
                }
                else
                {
                    fitted.Add(new MeasuredPath(turn.Path, round, cost));
                }
                report();
            }
        }
        AdditiveFit fit = AdditiveFit.Of(_space, fitted);
        CostTable costs = fit.ToTable();
        ILookup<int, double> measured = visited.ToLookup(visit => visit.Path, visit => visit.Cost / fit.PaceOf(visit.Round));
        return new StudiedCosts(
            costs,
            [.. paths.Select(path => new ValidatedPath(path.Value, Median.Of(measured[path.Key]), costs.Of(path.Value)))]);
    }

    private List<Turn> RoundWithout(ICollection<Architecture> kept, CounterRandom random)
    {
        while (true)
        {
            Architecture[] paths = AdditiveFit.Cover(_space, random);
            if (!paths.Any(kept.Contains)) return [.. paths.Select(path => new Turn(path, null))];
        }
    }

    // A path that is measured in a round: for the fit, or as one of those of the validation.
    private readonly record struct Turn(Architecture Path, int? Validated);
}
