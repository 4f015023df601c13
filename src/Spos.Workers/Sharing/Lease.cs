using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Workers.Sharing;

/// <summary>Paths that somebody scores or trains now.</summary>
/// <param name="Numbers">In the generation.</param>
/// <param name="Generation">Which one they are of: of one that is over, results count no longer.</param>
/// <param name="IsSecond">Whether they have a score, which is being checked.</param>
internal sealed record Lease(long Number, IReadOnlyList<int> Numbers, Generation Generation, bool IsSecond)
{
    public IReadOnlyList<Architecture> Paths { get; } = [.. Numbers.Select(i => Generation.Paths[i])];

    /// <summary>The one that is trained; null where paths are scored.</summary>
    public PooledTraining? Training => Generation.Trainings?.All[Numbers[0]];

    /// <summary>Batches of the scores, or the step of the training, that its worker has told of.</summary>
    public long Steps { get; set; }
}
