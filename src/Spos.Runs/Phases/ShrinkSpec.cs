using Spos.Engine.Data;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>What alternatives are compared by.</summary>
public enum ShrinkBy
{
    /// <summary>How far training has turned the weights of the paths that have them (<see cref="Engine.Supernet.PathAngles"/>).</summary>
    Angle,

    /// <summary>The accuracy of the paths that have them, as a search scores them.</summary>
    Score,
}

/// <summary>How a search space is shrunk.</summary>
public sealed record ShrinkSpec
{
    public required RunSetup Setup { get; init; }

    /// <summary>The supernet, the limits that paths keep, and how they are scored. What is not limited is not limited by default.</summary>
    public required ScoringSpec Scoring { get; init; }

    public required ShrinkBy By { get; init; }

    /// <summary>Random paths, all different; fewer where there are not so many. At least 2.</summary>
    public int NumPaths { get; init; } = 1000;

    /// <summary>So many operations, and channel scales, that each block keeps; null to <see cref="Drop"/> some in all.</summary>
    public int? Keep { get; init; }

    /// <summary>So many alternatives that go in all; null to <see cref="Keep"/> some of each block.</summary>
    public int? Drop { get; init; }

    /// <summary>
    /// The checkpoint that the supernet's training began from, or its folder, for angles; null for the one that the supernet names, or
    /// random weights.
    /// </summary>
    public string? Initial { get; init; }
}

/// <summary>What the shrinking of a space came to.</summary>
/// <param name="SpaceFile">The file that was written.</param>
/// <param name="Before">The space whose paths were compared.</param>
/// <param name="After">What is left of it.</param>
/// <param name="Alternatives">All of the space before; angles in shares of half a turn.</param>
/// <param name="Dropped">Those that go, the worst first.</param>
/// <param name="Paths">How many were compared.</param>
/// <param name="Pictures">What they were scored on; null for angles.</param>
public sealed record ShrinkResult(
    string Folder, string SpaceFile, SearchSpace Before, SearchSpace After, IReadOnlyList<ScoredAlternative> Alternatives,
    IReadOnlyList<ScoredAlternative> Dropped, int Paths, MeasuredPictures? Pictures, DamageReport? Damage);
