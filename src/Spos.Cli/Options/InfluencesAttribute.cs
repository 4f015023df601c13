namespace Spos.Cli.Options;

/// <summary>What of a run depends on an option.</summary>
internal enum Influence
{
    /// <summary>Nothing that the run comes to: how fast it goes, what it tells, where things are.</summary>
    None,

    /// <summary>What is still to come, but nothing that the run keeps: it may be another one when the run goes on.</summary>
    Later,

    /// <summary>What the run keeps, such as weights and scores: the run goes on with the same value only.</summary>
    Kept,
}

/// <summary>
/// Says what of a run depends on an option. All options of verbs that leave a run have it; a test refuses one without.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class InfluencesAttribute(Influence influence) : Attribute
{
    public Influence Influence { get; } = influence;
}
