using System.Collections.Immutable;

namespace Spos.Space;

/// <summary>A cost that was measured of a path.</summary>
/// <param name="Round">Of the measurement, from 0. What is measured in one round is measured at about the same time.</param>
public readonly record struct MeasuredPath(Architecture Path, int Round, double Cost);

/// <summary>
/// An additive cost, fitted to measured ones by least squares: what was measured is about
/// pace[round] · (fixed + Σ cost[block][choice]). A machine that slows down for a while slows down whole rounds, which is their pace, and
/// is none of the costs. What lies far off counts less (Huber's weights), as something else ran then.
/// </summary>
public sealed class AdditiveFit
{
    // Fits that are exact settle at once; of others the paces are known to a millionth after a few turns.
    private const int MostTurns = 30;
    private const double Settled = 1e-9;

    // Huber's constant, of 95% efficiency where errors are normal, and the standard deviation over the median absolute one.
    private const double Huber = 1.345, DeviationOverMedian = 1.4826;

    // Of a measured alternative's number of times: as little as changes no figure, but lets a design that leaves something open be solved.
    private const double Ridge = 1e-9;

    // Uneven measurements can make a path seem to cost less than nothing; then it counts as this share of the median one.
    private const double LeastOverMedian = 0.01;

    private readonly double[][] _costs;
    private readonly double[] _paces;

    private AdditiveFit(SearchSpace space, double @fixed, double[][] costs, double[] paces) =>
        (Space, Fixed, _costs, _paces) = (space, @fixed, costs, paces);

    public SearchSpace Space { get; }

    /// <summary>
    /// What every path costs, with the cheapest alternative of each block. Not below 0, as uneven measurements can make it seem.
    /// </summary>
    public double Fixed { get; }

    /// <summary>By what a cost that was measured in a round is divided; the median is 1.</summary>
    public double PaceOf(int round) => _paces[round];

    /// <summary>What an alternative costs above the cheapest of its block.</summary>
    public double Of(int block, int choice) => _costs[block][choice];

    /// <summary>The costs, in whole units.</summary>
    public CostTable ToTable() => new(Space, (long)Math.Round(Fixed), _costs.Select(block => block.Select(cost => (long)Math.Round(cost))));

    /// <summary>
    /// Paths in which every alternative of every block is at least once, each path a uniform one. Where all blocks have as many
    /// alternatives, every alternative is there exactly once, so that all such sets cost the same.
    /// </summary>
    public static Architecture[] Cover(SearchSpace space, CounterRandom random)
    {
        int count = space.Blocks.Max(alternatives => alternatives.Length);
        int[][] choices = [.. space.Blocks.Select(alternatives => Orders(alternatives.Length).Take(count).ToArray())];
        return [.. Enumerable.Range(0, count).Select(k => space.PathOf(choices.Select(block => block[k])))];

        IEnumerable<int> Orders(int alternatives)
        {
            int[] order = [.. Enumerable.Range(0, alternatives)];
            while (true)
            {
                random.Shuffle<int>(order);
                foreach (int choice in order) yield return choice;
            }
        }
    }

    /// <summary>Fits costs to measured ones.</summary>
    /// <param name="measured">In each round, from 0 on, at least one path; in all of them each alternative.</param>
    /// <exception cref="ArgumentException">A round, or an alternative, is missing.</exception>
    public static AdditiveFit Of(SearchSpace space, IReadOnlyList<MeasuredPath> measured)
    {
        int[] counts = new int[measured.Count == 0 ? 0 : 1 + measured.Max(one => one.Round)];
        foreach (MeasuredPath one in measured) counts[one.Round]++;
        bool isCovered = space.Blocks.Index().All(block =>
            measured.Select(one => one.Path.Blocks[block.Index]).Distinct().Count() == block.Item.Length);
        if (counts.Contains(0) || !isCovered) throw new ArgumentException("A fit needs each round, and each alternative in one of them.");

        double[] paces = new double[counts.Length], weights = [.. Enumerable.Repeat(1.0, measured.Count)];
        foreach (MeasuredPath one in measured) paces[one.Round] += one.Cost / counts[one.Round];
        ScaleToMedian(paces);
        var system = new LeastSquares(space, Ridge);
        for (int turn = 0; ; turn++)
        {
            double[] solution = system.Solve(measured.Select((one, i) => (one.Path, one.Cost / paces[one.Round], weights[i])));
            double[] fitted = [.. measured.Select(one => system.Apply(solution, one.Path))];
            double least = LeastOverMedian * Median.Of(measured.Select(one => one.Cost / paces[one.Round]));
            fitted = [.. fitted.Select(cost => Math.Max(cost, least))];
            double[] before = [.. paces];
            PaceBy(measured, fitted, paces);
            bool isSettled = paces.Zip(before).All(pair => Math.Abs(pair.First - pair.Second) <= Settled * pair.Second);
            if (isSettled || turn == MostTurns) return Shifted(space, system, solution, paces);
            WeighBy(measured, fitted, paces, weights);
        }
    }

    // The median over a round, for one of its few measurements may be disturbed.
    private static void PaceBy(IReadOnlyList<MeasuredPath> measured, double[] fitted, double[] paces)
    {
        foreach (IGrouping<int, double> round in measured.Index().ToLookup(one => one.Item.Round, one => one.Item.Cost / fitted[one.Index]))
        {
            paces[round.Key] = Median.Of(round);
        }
        ScaleToMedian(paces);
    }

    private static void WeighBy(IReadOnlyList<MeasuredPath> measured, double[] fitted, double[] paces, double[] weights)
    {
        double[] errors = [.. measured.Select((one, i) => Math.Abs(one.Cost / paces[one.Round] / fitted[i] - 1))];
        double most = Huber * DeviationOverMedian * Median.Of(errors);
        // An exact fit has but rounding errors.
        if (most <= Settled) return;
        for (int i = 0; i < weights.Length; i++) weights[i] = errors[i] <= most ? 1 : most / errors[i];
    }

    // The cheapest alternative of each block costs nothing.
    private static AdditiveFit Shifted(SearchSpace space, LeastSquares system, double[] solution, double[] paces)
    {
        double[][] costs = [.. space.Blocks.Select((alternatives, block) =>
            Enumerable.Range(0, alternatives.Length).Select(choice => system.CostOf(solution, block, choice)).ToArray())];
        double[] least = [.. costs.Select(block => block.Min())];
        double @fixed = Math.Max(solution[0] + least.Sum(), 0);
        return new AdditiveFit(
            space, @fixed, [.. costs.Select((block, b) => block.Select(cost => cost - least[b]).ToArray())], paces);
    }

    private static void ScaleToMedian(double[] values)
    {
        double median = Median.Of(values);
        for (int i = 0; i < values.Length; i++) values[i] /= median;
    }
}
