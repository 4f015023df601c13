namespace Spos.Space;

/// <summary>
/// Which alternatives of a space go, the worst first, but never the last operation of a block, nor its last channel scale. Those that no
/// path has are the worst. Of equally good ones the one goes first whose block, kind or number is the later.
/// </summary>
/// <param name="keep">So many operations, and channel scales, that each block keeps; null if it does not matter.</param>
/// <param name="drop">So many alternatives that go in all, from whatever block; null if it does not matter.</param>
public sealed class SpaceShrinking(int? keep, int? drop)
{
    /// <summary>The most alternatives that can go, so that each block keeps an operation, and a channel scale if there are any.</summary>
    public static int MostOf(SearchSpace space) =>
        space.Operations.Concat(space.HasScales ? space.Scales : []).Sum(numbers => numbers.Length - 1);

    /// <summary>How many alternatives go.</summary>
    public int CountIn(SearchSpace space) => Math.Min(
        drop ?? int.MaxValue,
        space.Operations.Concat(space.HasScales ? space.Scales : []).Sum(numbers => Math.Max(0, numbers.Length - (keep ?? 1))));

    /// <summary>Those that go, the worst first.</summary>
    /// <param name="alternatives">All that the space is left with.</param>
    public IReadOnlyList<ScoredAlternative> Of(IReadOnlyList<ScoredAlternative> alternatives)
    {
        Dictionary<(int Block, bool IsScale), int> left =
            alternatives.CountBy(one => (one.Block, one.IsScale)).ToDictionary(count => count.Key, count => count.Value);
        var dropped = new List<ScoredAlternative>();
        foreach (ScoredAlternative one in alternatives
            .OrderBy(one => double.IsNaN(one.Score) ? double.NegativeInfinity : one.Score)
            .ThenByDescending(one => one.Block).ThenByDescending(one => one.IsScale).ThenByDescending(one => one.Number))
        {
            if (dropped.Count == (drop ?? int.MaxValue)) break;
            if (left[(one.Block, one.IsScale)] <= (keep ?? 1)) continue;
            left[(one.Block, one.IsScale)]--;
            dropped.Add(one);
        }
        return dropped;
    }
}
