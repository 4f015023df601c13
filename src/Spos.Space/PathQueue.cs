namespace Spos.Space;

/// <summary>The paths of a generation that no scorer has taken, by their numbers. It is for one thread at a time.</summary>
public sealed class PathQueue(IReadOnlyList<Architecture> paths)
{
    // In the order in which they were proposed.
    private readonly List<int> _left = [.. Enumerable.Range(0, paths.Count)];

    /// <summary>
    /// Takes the next paths: as many as a scorer has room for, and no more than its share of what is left. Of several, neighbours in the
    /// order of choices: what they begin with is computed once.
    /// </summary>
    /// <param name="scorers">How many scorers share what is left; at least 1.</param>
    /// <returns>Their numbers; none where nothing is left.</returns>
    public int[] Take(int room, int scorers)
    {
        int count = Math.Min(Math.Max(room, 1), (_left.Count + scorers - 1) / scorers);
        IEnumerable<int> next = count > 1 ? _left.OrderBy(i => paths[i], Architecture.ByChoices) : _left;
        int[] taken = [.. next.Take(count).Order()];
        _left.RemoveAll(taken.Contains);
        return taken;
    }

    /// <summary>Gives back paths that were taken and not scored.</summary>
    public void Return(IEnumerable<int> taken)
    {
        _left.AddRange(taken);
        _left.Sort();
    }
}
