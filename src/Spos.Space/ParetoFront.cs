namespace Spos.Space;

/// <summary>
/// Orders points of several objectives, of each of which less is better, as NSGA-II does (Deb et al. 2002, A fast and elitist
/// multiobjective genetic algorithm). A point dominates another if it is no worse in any objective and better in one.
/// </summary>
public static class ParetoFront
{
    /// <summary>The points that no other dominates, by their numbers.</summary>
    public static int[] Members(IReadOnlyList<double[]> points) =>
        [.. Enumerable.Range(0, points.Count).Where(i => !points.Any(other => Dominates(other, points[i])))];

    /// <summary>
    /// The rank of each point: 0 of those that no other dominates, the front; 1 of those that only points of rank 0 dominate; and so on.
    /// </summary>
    public static int[] Ranks(IReadOnlyList<double[]> points)
    {
        int[] ranks = new int[points.Count], dominators = new int[points.Count];
        var dominated = new List<int>[points.Count];
        for (int i = 0; i < points.Count; i++) dominated[i] = [];
        for (int i = 0; i < points.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                (int winner, int loser) = Dominates(points[i], points[j]) ? (i, j) : Dominates(points[j], points[i]) ? (j, i) : (-1, -1);
                if (winner < 0) continue;
                dominated[winner].Add(loser);
                dominators[loser]++;
            }
        }
        List<int> front = [.. Enumerable.Range(0, points.Count).Where(i => dominators[i] == 0)];
        for (int rank = 0; front.Count > 0; rank++)
        {
            var next = new List<int>();
            foreach (int i in front)
            {
                ranks[i] = rank;
                next.AddRange(dominated[i].Where(loser => --dominators[loser] == 0));
            }
            front = next;
        }
        return ranks;
    }

    /// <summary>
    /// How far apart the neighbours of each point are among those of its rank: the sum over the objectives, in parts of the rank's range;
    /// infinite for the ends of an objective.
    /// </summary>
    public static double[] Crowding(IReadOnlyList<double[]> points, IReadOnlyList<int> ranks)
    {
        double[] distances = new double[points.Count];
        foreach (IGrouping<int, int> rank in Enumerable.Range(0, points.Count).GroupBy(i => ranks[i]))
        {
            for (int objective = 0; objective < points[0].Length; objective++)
            {
                int[] order = [.. rank.OrderBy(i => points[i][objective]).ThenBy(i => i)];
                double range = points[order[^1]][objective] - points[order[0]][objective];
                distances[order[0]] = distances[order[^1]] = double.PositiveInfinity;
                if (range == 0) continue;
                for (int place = 1; place < order.Length - 1; place++)
                {
                    distances[order[place]] += (points[order[place + 1]][objective] - points[order[place - 1]][objective]) / range;
                }
            }
        }
        return distances;
    }

    /// <summary>All points, best first: of lower ranks, and of a rank those with more room around them.</summary>
    public static int[] Order(IReadOnlyList<double[]> points)
    {
        int[] ranks = Ranks(points);
        double[] crowding = Crowding(points, ranks);
        return [.. Enumerable.Range(0, points.Count).OrderBy(i => ranks[i]).ThenByDescending(i => crowding[i]).ThenBy(i => i)];
    }

    private static bool Dominates(double[] one, double[] other)
    {
        bool better = false;
        for (int i = 0; i < one.Length; i++)
        {
            if (one[i] > other[i]) return false;
            better |= one[i] < other[i];
        }
        return better;
    }
}
