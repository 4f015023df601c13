using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space;

/// <summary>What can be searched: the blocks of a network, from the image on, and the alternatives of each.</summary>
public sealed class SearchSpace
{
    /// <exception cref="ArgumentException">There is no block, or a block without alternatives.</exception>
    public SearchSpace(IEnumerable<ImmutableArray<Alternative>> blocks)
    {
        Blocks = [.. blocks];
        if (Blocks.IsEmpty || Blocks.Any(alternatives => alternatives.IsEmpty))
        {
            throw new ArgumentException("A search space has blocks, and each of them has alternatives.");
        }
    }

    /// <summary>The alternatives of each block. An architecture names them by their places here, from 0.</summary>
    public ImmutableArray<ImmutableArray<Alternative>> Blocks { get; }

    /// <summary>How many architectures there are.</summary>
    public BigInteger Size => Blocks.Aggregate(BigInteger.One, (size, alternatives) => size * alternatives.Length);

    /// <summary>The most architectures that share no alternative of any block.</summary>
    public int MostDisjoint => Blocks.Min(alternatives => alternatives.Length);

    /// <summary>
    /// What keeps an architecture out of this space, as the end of a sentence that begins with the architecture ("has 3 blocks; the
    /// network has 5"); null if nothing does.
    /// </summary>
    public string? FaultOf(Architecture path)
    {
        if (path.Blocks.Length != Blocks.Length) return $"has {path.Blocks.Length} blocks; the network has {Blocks.Length}";
        int block = Enumerable.Range(0, Blocks.Length).FirstOrDefault(b => path.Blocks[b] >= Blocks[b].Length, -1);
        return block < 0 ? null : $"chooses {path.Blocks[block]} in block {block}; the choices there are 0 to {Blocks[block].Length - 1}";
    }
}
