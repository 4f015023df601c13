using System.Globalization;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>The limits of one cost that options ask for.</summary>
/// <param name="LeastOption">The option of the lower bound, without its dashes.</param>
/// <param name="Least">Its value; null if it is not given.</param>
/// <param name="MostOption">That of the upper bound.</param>
/// <param name="Most">Its value.</param>
/// <param name="MostByDefault">The upper bound where none is given; null for none.</param>
/// <param name="Unit">What the options count in, in the table's costs.</param>
internal sealed record AskedLimit(
    CostTable Table, string LeastOption, double? Least, string MostOption, double? Most, double? MostByDefault = null, double Unit = 1)
{
    public CostLimit Limit { get; } =
        new(Table, Least * Unit ?? double.NegativeInfinity, (Most ?? MostByDefault) * Unit ?? double.PositiveInfinity);

    /// <summary>Whether there is a bound at all.</summary>
    public bool IsAny => (Least ?? Most ?? MostByDefault) != null;

    /// <summary>The bounds as they are typed.</summary>
    public IEnumerable<string> Bounds
    {
        get
        {
            if (Least is { } least) yield return $"--{LeastOption} {Written(least)}";
            if (Most is { } most) yield return $"--{MostOption} {Written(most)}";
            else if (MostByDefault is { } common) yield return $"--{MostOption} {Written(common)}, its default";
        }
    }

    public static string Written(double? cost) => cost?.ToString(CultureInfo.InvariantCulture) ?? "";

    /// <exception cref="UsageException">No path can keep the limits, whatever others there are; the message names the option.</exception>
    public void Check()
    {
        string has = $"this network's have {Table.Measure.TextOf(Table.Least, Table.Most)}";
        string[] bounds = [.. Bounds];
        if (Limit.Low > Limit.High) throw new UsageException($"{bounds[0]} is above {bounds[1]}: {has}.");
        if (Limit.High < Table.Least) throw new UsageException($"{bounds[^1]}: no path is within it; {has}.");
        if (Limit.Low > Table.Most) throw new UsageException($"{bounds[0]}: no path comes up to it; {has}.");
    }
}

/// <summary>What all candidates of a search or a ranking keep.</summary>
internal sealed class CandidateLimits
{
    private readonly IReadOnlyList<AskedLimit> _asked;

    /// <param name="asked">One for each cost.</param>
    /// <exception cref="UsageException">No path keeps them, or none is found; the message names the options.</exception>
    public CandidateLimits(IReadOnlyList<AskedLimit> asked)
    {
        _asked = asked;
        foreach (AskedLimit one in asked) one.Check();
        Sampler = new LimitedSampler(new CostLimits(asked.Where(one => one.IsAny).DefaultIfEmpty(asked[0]).Select(one => one.Limit)));
        // That there is a path is known before anything is written.
        Draw(new CounterRandom(0, RandomPurpose.Search, ulong.MaxValue, 2));
    }

    /// <summary>Draws paths that keep them.</summary>
    public LimitedSampler Sampler { get; }

    /// <summary>The costs that may be limited.</summary>
    public IReadOnlyList<CostTable> Costs => [.. _asked.Select(one => one.Table)];

    /// <summary>What candidates may have of a cost, as far as its own limits say.</summary>
    public (double Least, double Most) RangeOf(CostTable table)
    {
        CostLimit limit = _asked.First(one => one.Table == table).Limit;
        return (Math.Max(limit.Low, table.Least), Math.Min(limit.High, table.Most));
    }

    /// <summary>What the options came to, by their names; nothing for those that are not given and have no default.</summary>
    public IDictionary<string, string> CameTo => _asked
        .SelectMany<AskedLimit, (string Option, double? Bound)>(
            one => [(one.LeastOption, one.Least), (one.MostOption, one.Most ?? one.MostByDefault)])
        .ToDictionary(bound => bound.Option, bound => AskedLimit.Written(bound.Bound));

    /// <summary>A path that keeps them, each equally likely.</summary>
    /// <exception cref="UsageException">There is none, or none is found; the message names the options.</exception>
    public Architecture Draw(CounterRandom random)
    {
        if (Sampler.TryDraw(random) is { } path) return path;
        string options = string.Join(", ", _asked.SelectMany(one => one.Bounds));
        string told = Sampler.IsEmpty
            ? "no path keeps all of these limits"
            : $"no path that keeps all of these limits was found in {LimitedSampler.MostTries:N0} tries";
        throw new UsageException($"{options}: {told}; this network's have {Sampler.Limits.Ranges}.");
    }
}
