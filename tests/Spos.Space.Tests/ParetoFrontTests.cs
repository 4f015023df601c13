using System.Collections.Immutable;
using CsCheck;

namespace Spos.Space.Tests;

public sealed class ParetoFrontTests
{
    [Fact]
    public void Points_are_ranked_by_who_dominates_them()
    {
        double[][] points = [[1, 5], [2, 3], [4, 1], [2, 5], [3, 3], [4, 4], [2, 3]];
        Assert.Equal([0, 0, 0, 1, 1, 2, 0], ParetoFront.Ranks(points));
        Assert.Equal([0, 1, 2, 6], ParetoFront.Members(points));
    }

    [Fact]
    public void Those_with_room_around_them_come_first()
    {
        double[][] points = [[0, 10], [1, 8], [2, 7], [6, 2], [10, 0]];
        int[] ranks = ParetoFront.Ranks(points);
        Assert.All(ranks, rank => Assert.Equal(0, rank));
        double[] crowding = ParetoFront.Crowding(points, ranks);
        Assert.Equal([double.PositiveInfinity, 0.2 + 0.3, 0.5 + 0.6, 0.8 + 0.7, double.PositiveInfinity], crowding, Close);
        Assert.Equal([0, 4, 3, 2, 1], ParetoFront.Order(points));
        Assert.Equal([0, 0], ParetoFront.Crowding([[1, 1], [1, 1]], [0, 0]).Select(d => double.IsInfinity(d) ? 0.0 : d));
        static bool Close(double one, double other) => one.Equals(other) || Math.Abs(one - other) < 1e-12;
    }

    [Fact]
    public void Ranks_are_what_peeling_the_front_off_gives()
    {
        Gen.Int[0, 5].Array[3].Array[1, 40].Sample(whole =>
        {
            double[][] points = [.. whole.Select(point => point.Select(value => (double)value).ToArray())];
            int[] ranks = ParetoFront.Ranks(points);
            List<int> left = [.. Enumerable.Range(0, points.Length)];
            for (int rank = 0; left.Count > 0; rank++)
            {
                int[] front = [.. ParetoFront.Members([.. left.Select(i => points[i])]).Select(place => left[place])];
                Assert.All(front, i => Assert.Equal(rank, ranks[i]));
                left.RemoveAll(front.Contains);
            }
        });
    }

    // Accuracy rises with the cost but for one alternative of each block, which is a bargain. The true front is known.
    [Fact]
    public void A_search_comes_near_the_front_of_all_paths_and_nearer_than_random_ones()
    {
        const int blocks = 8;
        var space = new SearchSpace(Enumerable.Repeat(
            Enumerable.Range(0, 4).Select(choice => new Alternative($"{choice}")).ToImmutableArray(), blocks));
        long[] costs = [1, 4, 6, 10];
        double[] gains = [0, 3, 3.5, 5];
        var table = new CostTable(space, 0, Enumerable.Repeat(costs.AsEnumerable(), blocks));
        double Score(Architecture path) => path.Blocks.Sum(choice => gains[choice]) / 100;
        EvolutionSearch Search(SearchStrategy strategy)
        {
            var options = new EvolutionOptions
            {
                Strategy = strategy,
                MaxEpochs = 15,
                NumPopulation = 30,
                NumCrossover = 15,
                NumMutation = 15,
                Seed = 4,
            };
            var search = new EvolutionSearch(
                table, new LimitedSampler(new CostLimits([CostLimit.AtMost(table, table.Most)])), options, [table]);
            search.Run([path => Score(path)], _ => { }, _ => { }, CancellationToken.None);
            return search;
        }

        // What lies under the front, of costs up to the dearest.
        double Covered(IEnumerable<Candidate> front)
        {
            Candidate[] along = [.. front.OrderBy(candidate => candidate.Flops)];
            return along.Index().Sum(c =>
                ((c.Index + 1 < along.Length ? along[c.Index + 1].Flops : table.Most) - c.Item.Flops) * c.Item.Top1);
        }

        EvolutionSearch found = Search(SearchStrategy.Nsga2), random = Search(SearchStrategy.Random);
        Candidate[] front = found.Front();
        Assert.Equal(front.Select(one => one.Flops).Order().Distinct(), front.Select(one => one.Flops));
        Assert.Equal(front.Select(one => one.Top1).Order().Distinct(), front.Select(one => one.Top1));
        Assert.All(
            found.Candidates, candidate => Assert.DoesNotContain(front, of => of.Top1 < candidate.Top1 && of.Flops >= candidate.Flops));
        Assert.Equal(front.Select(candidate => candidate.Path), Search(SearchStrategy.Nsga2).Front().Select(candidate => candidate.Path));
        Candidate[] all =
        [
            .. Enumerable.Range(0, 1 << (2 * blocks))
                .Select(number => new Architecture(Enumerable.Range(0, blocks).Select(b => (number >> (2 * b)) & 3)))
                .Select(path => new Candidate(path, 0, table.Of(path), Score(path)))
                .GroupBy(candidate => candidate.Flops).Select(same => same.MaxBy(candidate => candidate.Top1)!),
        ];
        Candidate[] best = [.. all.Where(one => !all.Any(other => other.Flops < one.Flops && other.Top1 >= one.Top1))];
        Assert.InRange(Covered(front), 0.97 * Covered(best), Covered(best) + 1e-9);
        Assert.True(Covered(front) > Covered(random.Front()));
    }
}
