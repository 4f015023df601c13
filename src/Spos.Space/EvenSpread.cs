namespace Spos.Space;

/// <summary>Chooses some of many values so that they are spread evenly over the range of all.</summary>
public static class EvenSpread
{
    /// <summary>
    /// The numbers of the chosen values, from the least value on. Their squared distances to as many points at equal steps, from the least
    /// of all values to the greatest, have the smallest sum; so both ends are chosen. One alone is the nearest to the middle.
    /// </summary>
    /// <param name="count">How many are chosen, at least 1; if there are not so many, all are.</param>
    public static int[] Choose(IReadOnlyList<double> values, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int[] order = [.. Enumerable.Range(0, values.Count).OrderBy(i => values[i]).ThenBy(i => i)];
        if (order.Length <= count) return order;
        double low = values[order[0]], high = values[order[^1]];
        double Point(int place) => count == 1 ? (low + high) / 2 : low + (high - low) * place / (count - 1);

        // sums[i] is the least sum if the points so far have their values among the first ones, and the last point has value i.
        double[] sums = new double[order.Length];
        int[,] before = new int[count, order.Length];
        for (int place = 0; place < count; place++)
        {
            double[] next = new double[order.Length];
            int best = -1;
            for (int i = 0; i < order.Length; i++)
            {
                double distance = values[order[i]] - Point(place), least = place == 0 ? 0 : best < 0 ? double.PositiveInfinity : sums[best];
                (next[i], before[place, i]) = (least + distance * distance, best);
                // Of equal sums the one with the lesser value.
                if (best < 0 || sums[i] < sums[best]) best = i;
            }
            sums = next;
        }
        int[] chosen = new int[count];
        int last = Array.IndexOf(sums, sums.Min());
        for (int place = count - 1; place >= 0; place--)
        {
            chosen[place] = order[last];
            last = before[place, last];
        }
        return chosen;
    }
}
