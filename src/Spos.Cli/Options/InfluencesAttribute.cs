using Spos.Runs.Records;

namespace Spos.Cli.Options;

/// <summary>
/// Says what of a run depends on an option. All options of verbs that leave a run have it; a test refuses one without.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class InfluencesAttribute(Influence influence) : Attribute
{
    public Influence Influence { get; } = influence;
}
