namespace Spos.Space;

/// <summary>
/// Draws paths that keep limits of one or several costs, each equally likely. Paths are counted in a grid of their costs, in steps that are
/// rounded so that none is left out; one is drawn by those exact numbers, and drawn again if its true costs are outside. Under an upper
/// limit alone it draws as <see cref="PathSampler.Within"/> does.
/// </summary>
public sealed class LimitedSampler
{
    /// <summary>A path that keeps the limits is looked for so many times.</summary>
    public const int MostTries = 1_000_000;

    // The grid of one cost stays in a core's cache; of two costs each has 256 cells, of three 64. Numbers without a fixed size take longer.
    private const int MostCellsOfOne = 1 << 12, MostCellsOfTwo = 1 << 16, MostCellsOfMore = 1 << 18, MostCellsOfBig = 1 << 14;

    // So few paths are looked at one by one.
    private const int MostListed = 1 << 16;

    private readonly PathSampler? _sampler;
    private readonly IPathWindow? _window;
    private readonly int _cells;
    private readonly Architecture[]? _listed;

    public LimitedSampler(CostLimits limits)
    {
        Limits = limits;
        // Searches under a limit of FLOPs alone have always drawn so, and their runs go on with the same paths.
        if (limits.All is [{ Low: double.NegativeInfinity } alone] && alone.Most >= alone.Table.Least
            && new PathSampler(alone.Table) is { IsExact: true } sampler)
        {
            _sampler = sampler;
            return;
        }
        CostAxis[] axes = [.. limits.All.Where(Restricts).DefaultIfEmpty(limits.All[0]).Select(limit => new CostAxis(limit))];
        if (axes.Any(axis => axis.IsEmpty))
        {
            _listed = [];
            return;
        }
        Divide(axes, limits.Space);
        _window = PathCounts.Of(limits.Space, [.. axes.Select(axis => axis.Steps)], [.. axes.Select(axis => axis.Cells)])
            .Window([.. axes.Select(axis => axis.First)], [.. axes.Select(axis => axis.Last)]);
        _cells = axes.Aggregate(1, (cells, axis) => cells * (axis.Last - axis.First + 1));
        var count = _window.Count(0, _cells - 1);
        if (count <= MostListed) _listed = [.. List((int)count)];
    }

    /// <summary>What the paths keep.</summary>
    public CostLimits Limits { get; }

    /// <summary>Whether it is certain that no path keeps the limits.</summary>
    public bool IsEmpty => _listed is [];

    /// <summary>A path that keeps the limits, each equally likely.</summary>
    /// <exception cref="ArgumentException">There is none, or none was found; the message says which.</exception>
    public Architecture Draw(CounterRandom random) => TryDraw(random) ?? throw NoPath;

    /// <summary>What tells that there is no path that keeps the limits, or that none was found.</summary>
    internal ArgumentException NoPath =>
        new($"No path {(IsEmpty ? "has" : $"was found in {MostTries:N0} tries that has")} {Limits}: this network's have {Limits.Ranges}.");

    /// <summary>The same; null if there is none, or none was found in <see cref="MostTries"/>.</summary>
    public Architecture? TryDraw(CounterRandom random)
    {
        if (_listed != null) return _listed.Length == 0 ? null : _listed[random.NextInt(_listed.Length)];
        if (_sampler != null) return _sampler.Within(random, _sampler.Costs.Least, Math.Min(Limits.All[0].High, double.MaxValue));
        int[] choices = new int[Limits.Space.Blocks.Length];
        for (int tries = 0; tries < MostTries; tries++)
        {
            _window!.Draw(random, 0, _cells - 1, choices);
            if (Limits.Hold(choices)) return Limits.Space.PathOf(choices);
        }
        return null;
    }

    private static bool Restricts(CostLimit limit) => limit.Least > limit.Table.Least || limit.Most < limit.Table.Most;

    // Those that need few cells leave theirs to the others.
    private static void Divide(CostAxis[] axes, SearchSpace space)
    {
        int cells = axes.Length switch { 1 => MostCellsOfOne, 2 => MostCellsOfTwo, _ => MostCellsOfMore };
        if (PathCounts.BytesOf(space) == null) cells = Math.Min(cells, MostCellsOfBig);
        int left = axes.Length;
        foreach (CostAxis axis in axes.OrderBy(axis => axis.Need))
        {
            axis.Divide(Math.Clamp((int)Math.Pow(cells + 0.5, 1.0 / left--), 1, MostCellsOfOne));
            cells /= axis.Cells;
        }
    }

    private IEnumerable<Architecture> List(int count)
    {
        int[] choices = new int[Limits.Space.Blocks.Length];
        for (int i = 0; i < count; i++)
        {
            _window!.At(i, choices);
            if (Limits.Hold(choices)) yield return Limits.Space.PathOf(choices);
        }
    }
}
