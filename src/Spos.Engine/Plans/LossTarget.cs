using Spos.Engine.Ops;

namespace Spos.Engine.Plans;

/// <summary>What training compares the guesses of a path with.</summary>
public readonly record struct LossTarget
{
    /// <summary>Of labels.</summary>
    public float Smoothing { get; private init; }

    /// <summary>Whether the logits are left, for other paths to learn from.</summary>
    public bool LeavesLogits { get; private init; }

    /// <summary>How guesses are compared with a teacher's; null if they are compared with labels.</summary>
    public Divergence? Divergence { get; private init; }

    /// <summary>The labels of the pictures.</summary>
    public static LossTarget Labels(float smoothing, bool leavesLogits = false) =>
        new() { Smoothing = smoothing, LeavesLogits = leavesLogits };

    /// <summary>
    /// The logits of a teacher alone. A path that learns from them drops no features: the teacher alone is held back from learning labels
    /// by heart (BigNAS, arXiv 2003.11142, section 3.1).
    /// </summary>
    public static LossTarget Teacher(Divergence divergence) => new() { Divergence = divergence };
}
