namespace Spos.Space;

/// <summary>Scores paths. Several together may take less than one by one.</summary>
public interface IPathScorer
{
    /// <summary>How many paths it takes together now; at least 1. What they score does not depend on it.</summary>
    int Room { get; }

    /// <summary>The accuracy of each path.</summary>
    IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths);
}
