namespace Spos.Space;

/// <summary>How far a search can be trusted.</summary>
public enum Trust
{
    /// <summary>Too little was compared.</summary>
    Unknown,
    No,
    Partly,
    Yes,
}

/// <summary>Whether a search by a supernet's scores can be trusted, and why.</summary>
/// <param name="Reason">Without a full stop.</param>
public sealed record RankVerdict(Trust Trust, string Reason)
{
    /// <summary>Fewer architectures tell nothing: the bootstrap's intervals are too narrow for them.</summary>
    public const int FewestArchitectures = 10;

    /// <summary>The tau from which on scores order well, where each architecture was trained once.</summary>
    public const double StrongTau = 0.5;

    /// <summary>The share explained from which on they do, where trainings were repeated; of normal pairs it comes to that tau.</summary>
    public const double StrongShare = 0.7;

    /// <summary>Below this ceiling there is no real spread, and nothing can be explained.</summary>
    public const double LeastCeiling = 0.3;

    /// <summary>Above this probability, that equal architectures differ as much, it is not shown that there is any spread.</summary>
    public const double MostChance = 0.05;

    /// <summary>Why nothing is told of what scores explain of the spread between architectures; null if there is a spread.</summary>
    public static string? WhyNothingIsExplained(RankFigures figures) => figures switch
    {
        { Ceiling: null } => "trainings were not repeated",
        { Ceiling: >= LeastCeiling, Agreement.Chance: <= MostChance } => null,
        { Ceiling: >= LeastCeiling } => "what these architectures differ by may be the noise of training",
        _ => "these architectures have no real spread",
    };

    public static RankVerdict Of(RankFigures figures)
    {
        if (figures.Architectures < FewestArchitectures)
        {
            return new(Trust.Unknown, $"fewer than {FewestArchitectures} architectures were compared");
        }
        if (figures.Agreement != null && WhyNothingIsExplained(figures) is { } why)
        {
            if (!(figures.Ceiling >= LeastCeiling)) return new(Trust.No, $"nothing can be explained: {why}, so that any of them will do");
        }
        if (double.IsNaN(figures.Tau.Value)) return new(Trust.No, "all architectures have the same score, or the same accuracy");
        if (figures.Tau.High < 0) return new(Trust.No, "the scores order architectures the wrong way round");
        // What orders as scores do is no noise.
        if (figures.Agreement != null && WhyNothingIsExplained(figures) is { } noise && !(figures.Tau.Low > 0))
        {
            return new(Trust.Unknown, $"{noise}, and more --repeats or architectures may tell");
        }
        if (!(figures.Tau.Low > 0)) return new(Trust.No, "the order may be chance, for the interval of Kendall's tau holds 0");
        // Where all have the same FLOPs there is nothing to beat.
        bool hasFlops = !double.IsNaN(figures.FlopsTau.Value);
        bool isBeaten = hasFlops && figures.FlopsTau.Value >= figures.Tau.Value, isMore = !hasFlops || figures.PartialTau.Low > 0;
        if (isBeaten && !isMore) return new(Trust.No, "the scores tell no more than FLOPs alone");
        string[] faults = [.. Faults(figures, isBeaten, isMore)];
        return faults.Length > 0
            ? new(Trust.Partly, string.Join("; ", faults))
            : new(Trust.Yes, "the scores order architectures as training from scratch does, and tell more than FLOPs alone");
    }

    public override string ToString() => $"{Trust switch
    {
        Trust.Yes => "the search can be trusted",
        Trust.Partly => "the search can be trusted in part",
        Trust.No => "the search cannot be trusted",
        _ => "whether the search can be trusted is unknown",
    }}: {Reason}";

    private static IEnumerable<string> Faults(RankFigures figures, bool isBeaten, bool isMore)
    {
        if (figures.Explained is { } explained && WhyNothingIsExplained(figures) == null)
        {
            if (!(explained.Value >= StrongShare)) yield return $"the scores explain less than {StrongShare:0.0} of what can be explained";
        }
        else if (figures.Tau.Value < StrongTau)
        {
            yield return $"Kendall's tau is below {StrongTau:0.0}";
        }
        if (isBeaten) yield return "FLOPs alone order as well";
        if (!isMore) yield return "at equal FLOPs the order may be chance";
        foreach (TopRegret top in figures.Regrets.Where(r => r.Regret > 0 && r.Regret >= r.AtRandom))
        {
            yield return $"the top {top.Top} lose as much as a random {top.Top}";
        }
    }
}
