using System.Numerics;

namespace Spos.Space;

/// <summary>
/// A limited cost as an axis of a grid. Costs are counted from that end of their range which the limit is nearer to, so that little is
/// counted that lies outside, and in steps that are rounded down. A path then lies at most <see cref="Slack"/> farther from that end than
/// its steps say, so that all that keep the limit end in cells <see cref="First"/> to <see cref="Last"/>, and few others.
/// </summary>
internal sealed class CostAxis
{
    // What each alternative that a block is left with is away from the block's end of the range.
    private readonly long[][] _away;
    private readonly long _low, _high, _divisor;
    private long _quantum = 1;

    public CostAxis(CostLimit limit)
    {
        CostTable table = limit.Table;
        bool rises = limit.Most - table.Least <= table.Most - limit.Least;
        (_low, _high) = rises
            ? (limit.Least - table.Least, limit.Most - table.Least)
            : (table.Most - limit.Most, table.Most - limit.Least);
        _away = [.. Enumerable.Range(0, table.Space.Blocks.Length).Select(block => Away(table.LeftOf(block).ToArray(), rises))];
        foreach (long away in _away.SelectMany(block => block)) _divisor = (long)BigInteger.GreatestCommonDivisor(_divisor, away);
        _divisor = Math.Max(1, _divisor);
        Need = IsEmpty ? 1 : _high / _divisor + 1;
    }

    /// <summary>Whether no path keeps the limit, whatever others there are.</summary>
    public bool IsEmpty => _low > _high || _high < 0;

    /// <summary>How many cells there are if nothing is rounded.</summary>
    public long Need { get; }

    /// <summary>How many cells there are.</summary>
    public int Cells { get; private set; } = 1;

    /// <summary>The most by which rounding moves a path.</summary>
    public long Slack { get; private set; }

    /// <summary>The cells of all paths that keep the limit.</summary>
    public int First { get; private set; }

    /// <inheritdoc cref="First"/>
    public int Last { get; private set; }

    /// <summary>By how many cells each alternative of each block goes on.</summary>
    public int[][] Steps { get; private set; } = [];

    /// <summary>Divides the axis into as many cells as it needs, and no more than these.</summary>
    public void Divide(int most)
    {
        _quantum = Need <= most ? _divisor : _high / most + 1;
        Slack = _quantum == _divisor ? 0 : _away.Sum(block => block.Max(away => away % _quantum));
        Last = (int)(_high / _quantum);
        First = (int)Math.Max(0, (_low - Slack + _quantum - 1) / _quantum);
        Cells = Last + 1;
        // What alone is outside goes beyond the last cell.
        Steps = [.. _away.Select(block => block.Select(away => (int)Math.Min(away / _quantum, Cells)).ToArray())];
    }

    private static long[] Away(long[] costs, bool rises)
    {
        (long least, long most) = (costs.Min(), costs.Max());
        return [.. costs.Select(cost => rises ? cost - least : most - cost)];
    }
}
