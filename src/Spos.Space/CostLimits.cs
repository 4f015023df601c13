using System.Collections.Immutable;

namespace Spos.Space;

/// <summary>Limits of several costs of the paths of one space, all of which a path has to keep.</summary>
public sealed class CostLimits
{
    /// <exception cref="ArgumentException">There is none, they are of several spaces, or one has its least above its most.</exception>
    public CostLimits(IEnumerable<CostLimit> limits)
    {
        All = [.. limits];
        if (All.IsEmpty || All.Any(limit => !AreOne(limit.Table.Space, Space)))
        {
            throw new ArgumentException("Limits are of the costs of one space, and there is one at least.");
        }
        if (All.FirstOrDefault(limit => !(limit.Low <= limit.High)) is { } none)
        {
            throw new ArgumentException($"{none} is no limit: it goes from a number to one that is not lower.");
        }
    }

    public ImmutableArray<CostLimit> All { get; }

    /// <summary>Whose paths they are.</summary>
    public SearchSpace Space => All[0].Table.Space;

    /// <summary>What the paths of the space have of each cost, as "270.359M to 398.609M FLOPs and 2.9M to 3.7M parameters".</summary>
    public string Ranges =>
        string.Join(" and ", All.Select(limit => limit.Table).Distinct().Select(table => table.Measure.TextOf(table.Least, table.Most)));

    /// <summary>Whether a path keeps them all.</summary>
    public bool Hold(Architecture path) => Hold(path.Blocks.AsSpan());

    /// <summary>The same of a path that is given by its choices.</summary>
    public bool Hold(ReadOnlySpan<int> choices)
    {
        foreach (CostLimit limit in All)
        {
            if (!limit.Holds(choices)) return false;
        }
        return true;
    }

    /// <summary>As "at most 330M FLOPs and at least 3M parameters".</summary>
    public override string ToString() => string.Join(" and ", All);

    private static bool AreOne(SearchSpace one, SearchSpace other) => one.Holds(other) && other.Holds(one);
}
