namespace Spos.Space;

/// <summary>A cost that paths may have no less than <paramref name="Low"/> and no more than <paramref name="High"/> of.</summary>
/// <param name="Low">Negative infinity for no lower bound.</param>
/// <param name="High">Infinity for no upper bound.</param>
public sealed record CostLimit(CostTable Table, double Low, double High)
{
    /// <summary>No more than this.</summary>
    public static CostLimit AtMost(CostTable table, double high) => new(table, double.NegativeInfinity, high);

    /// <summary>The least whole cost that keeps it, of those that paths may have.</summary>
    public long Least => Low <= Table.Least ? Table.Least : Low > Table.Most ? Table.Most + 1 : (long)Math.Ceiling(Low);

    /// <summary>The most whole cost that keeps it, of those that paths may have.</summary>
    public long Most => High >= Table.Most ? Table.Most : High < Table.Least ? Table.Least - 1 : (long)Math.Floor(High);

    /// <summary>Whether a path keeps it.</summary>
    public bool Holds(ReadOnlySpan<int> choices) => Table.Of(choices) is var cost && cost >= Low && cost <= High;

    /// <summary>As "at most 330M FLOPs".</summary>
    public override string ToString() => (double.IsFinite(Low), double.IsFinite(High)) switch
    {
        (false, false) => $"any {Table.Measure.Name}",
        (false, true) => $"at most {Table.Measure.TextOf(High)}",
        (true, false) => $"at least {Table.Measure.TextOf(Low)}",
        _ => Table.Measure.TextOf(Low, High),
    };
}
