namespace Spos.Space;

/// <summary>Equal parts of a range of costs, each with its lower edge, the last with its upper one too.</summary>
public sealed record CostParts(double Low, double High, int Count)
{
    /// <summary>The most parts that people may ask for: each counts its paths in a table of its own.</summary>
    public const int MostParts = 32;

    // Only where all paths of a part, or nearly all, are wanted do so many tries find nothing new.
    private const int MostTries = 100_000;

    /// <summary>Which part a cost belongs to.</summary>
    public int Of(double cost) => Low < High ? Math.Clamp((int)((cost - Low) / (High - Low) * Count), 0, Count - 1) : Count - 1;

    /// <summary>
    /// Different paths, from each part as many, each set of them as likely. A part that has too few paths leaves its share to the
    /// others, and the cheapest parts give one more where the number cannot be divided.
    /// </summary>
    /// <param name="whole">Draws paths of all parts, and no others.</param>
    /// <param name="cost">Whose parts these are.</param>
    /// <param name="except">Paths that are not drawn.</param>
    /// <returns>Fewer than are wanted if there are no more.</returns>
    public IReadOnlyList<Architecture> Draw(
        LimitedSampler whole, CostTable cost, CounterRandom random, int count, IEnumerable<Architecture>? except = null)
    {
        LimitedSampler[] samplers = Count == 1 ? [whole] : [.. Enumerable.Range(0, Count).Select(part => Within(whole.Limits, cost, part))];
        var drawn = new List<Architecture>();
        var known = new HashSet<Architecture>(except ?? []);
        bool[] exhausted = new bool[Count];
        while (drawn.Count < count && exhausted.Contains(false))
        {
            for (int part = 0; part < Count && drawn.Count < count; part++)
            {
                if (exhausted[part]) continue;
                if (New(part) is { } path) drawn.Add(path);
                else exhausted[part] = true;
            }
        }
        return drawn;

        Architecture? New(int part)
        {
            for (int tries = 0; tries < MostTries; tries++)
            {
                if (samplers[part].TryDraw(random) is not { } path) return null;
                if (Of(cost.Of(path)) == part && known.Add(path)) return path;
            }
            return null;
        }
    }

    private LimitedSampler Within(CostLimits limits, CostTable cost, int part)
    {
        double width = (High - Low) / Count, low = Low + part * width, high = part == Count - 1 ? High : Low + (part + 1) * width;
        return new LimitedSampler(new CostLimits([.. limits.All.Where(limit => limit.Table != cost), new CostLimit(cost, low, high)]));
    }
}
