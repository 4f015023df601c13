using MathNet.Numerics;
using Spos.Engine.Supernet;

namespace Spos.Space.Tests;

/// <summary>The predictor of scores, held against fits that leave out each path in turn.</summary>
public sealed class RidgePredictorTests
{
    private static readonly NetworkSpec Plain = new() { ImageSize = 32, Classes = 10, StageRepeats = [1, 1, 2, 1] };
    private static readonly NetworkSpec Scaled = new() { BlockSet = BlockSet.ShuffleV2PlusChannels };

    [Theory]
    [InlineData(12, 0.02, 1)]
    [InlineData(40, 0.0, 2)]
    [InlineData(40, 0.02, 3)]
    [InlineData(60, 0.5, 4)]
    public void It_is_the_fit_that_predicts_each_path_best_from_the_others(int count, double noise, ulong seed)
    {
        CostTable[] costs = [NetworkFlops.Of(Plain), NetworkParameters.Of(Plain)];
        Candidate[] known = Scored(Plain, count, noise, seed);
        RidgePredictor predictor = RidgePredictor.Fit(Plain.Space, costs, known);
        var features = new PathFeatures(Plain.Space, costs, [.. known.Select(one => one.Path)]);
        double[][] rows = [.. known.Select(one => features.Of(one.Path))];
        double[] scores = [.. known.Select(one => one.Top1)];

        // The mean eigenvalue is the trace over the order.
        double mean = Enumerable.Range(0, features.Count).Average(j => rows.Sum(row => Math.Pow(row[j] - rows.Average(r => r[j]), 2)));
        double ErrorOf(double penalty) => Enumerable.Range(0, count).Sum(left =>
        {
            double[] weights = Solve([.. rows.Where((_, i) => i != left)], [.. scores.Where((_, i) => i != left)], penalty);
            return Math.Pow(Apply(weights, rows[left]) - scores[left], 2);
        });
        double best = RidgePredictor.Penalties.Select(share => share * mean).MinBy(ErrorOf);
        double[] solution = Solve(rows, scores, best);
        // Both solve systems of 22 unknowns whose condition is below 1e4.
        Assert.All(
            Scored(Plain, 50, 0, seed + 100),
            other => Assert.Equal(Apply(solution, features.Of(other.Path)), predictor.Of(other.Path), 1e-9));
    }

    [Fact]
    public void Scores_that_are_sums_are_predicted_of_paths_that_were_not_seen()
    {
        RidgePredictor predictor = RidgePredictor.Fit(Scaled.Space, [NetworkFlops.Of(Scaled)], Scored(Scaled, 600, 0.001, 5));
        Candidate[] others = Scored(Scaled, 200, 0, 6);
        double tau = RankStatistics.KendallTau([.. others.Select(one => predictor.Of(one.Path))], [.. others.Select(one => one.Top1)]);
        Assert.True(tau > 0.9, $"{tau}");
    }

    [Fact]
    public void The_library_gives_the_same_bits_whatever_its_threads()
    {
        Candidate[] known = Scored(Scaled, 400, 0.05, 7);
        int threads = Control.MaxDegreeOfParallelism;
        double[] one = Predicted(1);
        foreach (int several in new[] { 2, 5 }) Assert.Equal(one, Predicted(several));

        double[] Predicted(int most)
        {
            Control.MaxDegreeOfParallelism = most;
            try
            {
                RidgePredictor predictor = RidgePredictor.Fit(Scaled.Space, [NetworkFlops.Of(Scaled)], known);
                return [.. known.Select(path => predictor.Of(path.Path))];
            }
            finally
            {
                Control.MaxDegreeOfParallelism = threads;
            }
        }
    }

    [Fact]
    public void Scores_that_are_all_the_same_are_predicted_again()
    {
        Candidate[] known = [.. Scored(Plain, 20, 0, 8).Select(one => one with { Top1 = 0.25 })];
        RidgePredictor predictor = RidgePredictor.Fit(Plain.Space, [NetworkFlops.Of(Plain)], known);
        Assert.All(Scored(Plain, 20, 0, 9), other => Assert.Equal(0.25, predictor.Of(other.Path), 1e-15));
    }

    [Fact]
    public void Of_one_score_nothing_is_learned() => Assert.Throws<ArgumentException>(
        () => RidgePredictor.Fit(Plain.Space, [NetworkFlops.Of(Plain)], Scored(Plain, 1, 0, 1)));

    [Fact]
    public void Features_are_what_is_chosen_and_what_it_costs()
    {
        CostTable flops = NetworkFlops.Of(Scaled);
        Architecture[] learned = [.. Scored(Scaled, 30, 0, 10).Select(one => one.Path)];
        var features = new PathFeatures(Scaled.Space, [flops], learned);
        Assert.Equal(20 * (8 + ChannelScales.Count) + 1, features.Count);
        double[][] rows = [.. learned.Select(features.Of)];
        Assert.All(rows, row => Assert.Equal(40, row[..^1].Sum()));
        Assert.Equal((0, 1), (Math.Round(rows.Average(row => row[^1]), 9), Math.Round(rows.Average(row => row[^1] * row[^1]), 9)));
        // Block 3's operation 5 at scale 2.
        int[] operations = new int[20], scales = new int[20];
        (operations[3], scales[3]) = (5, 2);
        double[] one = features.Of(new Architecture(operations, scales));
        Assert.Equal((1, 1), (one[3 * 16 + 5], one[3 * 16 + 8 + 2]));
    }

    // A share for each choice, and noise.
    private static Candidate[] Scored(NetworkSpec network, int count, double noise, ulong seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.Search, 1);
        SearchSpace space = network.Space;
        return
        [
            .. Enumerable.Range(0, count).Select(_ =>
            {
                Architecture path = space.PathOf(space.Blocks.Select(alternatives => random.NextInt(alternatives.Length)));
                double score = path.Operations.Select((o, b) => o * (b + 3) * 7 % 5 / 50.0).Sum() + path.Scales.Sum() / 100.0;
                return new Candidate(path, 0, 0, score + noise * (random.NextUnit() - 0.5));
            }),
        ];
    }

    private static double Apply(double[] weights, double[] features) => weights[^1] + features.Zip(weights, (f, w) => f * w).Sum();

    // The weights, and last what stands alone and is not penalised, by Gauss's elimination.
    private static double[] Solve(double[][] rows, double[] scores, double penalty)
    {
        int size = rows[0].Length + 1;
        double[][] all = [.. rows.Select(row => row.Append(1.0).ToArray())];
        double[][] system = [.. Enumerable.Range(0, size).Select(i => Enumerable.Range(0, size)
            .Select(j => all.Sum(row => row[i] * row[j]) + (i == j && i < size - 1 ? penalty : 0))
            .Append(all.Zip(scores, (row, score) => row[i] * score).Sum()).ToArray())];
        for (int column = 0; column < size; column++)
        {
            int pivot = Enumerable.Range(column, size - column).MaxBy(row => Math.Abs(system[row][column]));
            (system[column], system[pivot]) = (system[pivot], system[column]);
            for (int row = 0; row < size; row++)
            {
                if (row == column) continue;
                double factor = system[row][column] / system[column][column];
                for (int k = column; k <= size; k++) system[row][k] -= factor * system[column][k];
            }
        }
        return [.. system.Select((row, i) => row[size] / row[i])];
    }
}
