using Spos.Space;

namespace Spos.Workers.Sharing;

/// <summary>Paths that somebody scores now.</summary>
/// <param name="Paths">By their numbers in the generation.</param>
/// <param name="Generation">Which one they are of: of one that is over, results count no longer.</param>
/// <param name="IsSecond">Whether they have a score, which is being checked.</param>
internal sealed record Lease(
    long Number, IReadOnlyList<int> Numbers, IReadOnlyList<Architecture> Paths, Generation Generation, bool IsSecond);
