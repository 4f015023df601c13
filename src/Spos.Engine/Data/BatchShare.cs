namespace Spos.Engine.Data;

/// <summary>The batches of a pass that somebody reads: some of each so many that follow each other.</summary>
/// <param name="Of">Batches of a round.</param>
/// <param name="First">The first one of a round that is read, from 0.</param>
/// <param name="Count">How many of a round are read, from that one on.</param>
public readonly record struct BatchShare(int Of, int First, int Count)
{
    /// <summary>All of them.</summary>
    public static BatchShare All { get; } = new(1, 0, 1);

    /// <summary>How many of the first <paramref name="batches"/> of a pass are read.</summary>
    public int CountIn(int batches) => batches / Of * Count + Math.Clamp(batches % Of - First, 0, Count);

    /// <summary>The number in the pass of a batch that is read; both count from 0.</summary>
    public int At(int index) => index / Count * Of + First + index % Count;
}
