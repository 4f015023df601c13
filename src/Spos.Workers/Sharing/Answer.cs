namespace Spos.Workers.Sharing;

/// <summary>What somebody's work came to: the score of a path, or a trained network.</summary>
/// <param name="File">The checkpoint that a worker has sent; null of a score, and of what the coordinator itself has trained.</param>
internal readonly record struct Answer(double Score, string? File = null)
{
    /// <summary>Whether two scores are the same to the bit.</summary>
    public bool IsSame(Answer other) => BitConverter.DoubleToInt64Bits(Score) == BitConverter.DoubleToInt64Bits(other.Score);
}
