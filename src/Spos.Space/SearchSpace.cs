using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space;

/// <summary>What can be searched: the blocks of a network, from the image on, and the alternatives of each.</summary>
public sealed class SearchSpace
{
    /// <param name="hasScales">
    /// Whether alternatives are operations at each of the channel scales, numbered as <see cref="Architecture.Blocks"/> says.
    /// </param>
    /// <exception cref="ArgumentException">There is no block, or a block without alternatives, or some scales are missing.</exception>
    public SearchSpace(IEnumerable<ImmutableArray<Alternative>> blocks, bool hasScales = false)
    {
        (Blocks, HasScales) = ([.. blocks], hasScales);
        if (hasScales && Blocks.Any(alternatives => alternatives.Length % ChannelScales.Count != 0))
        {
            throw new ArgumentException("Each operation has all channel scales.");
        }
        if (Blocks.IsEmpty || Blocks.Any(alternatives => alternatives.IsEmpty))
        {
            throw new ArgumentException("A search space has blocks, and each of them has alternatives.");
        }
    }

    /// <summary>The alternatives of each block. An architecture names them by their places here, from 0.</summary>
    public ImmutableArray<ImmutableArray<Alternative>> Blocks { get; }

    /// <summary>Whether alternatives are operations at channel scales.</summary>
    public bool HasScales { get; }

    /// <summary>How many operations a block has: its alternatives, but for their scales.</summary>
    public int OperationsOf(int block) => Blocks[block].Length / (HasScales ? ChannelScales.Count : 1);

    /// <summary>The architecture that takes these alternatives.</summary>
    public Architecture PathOf(IEnumerable<int> choices) => Architecture.OfChoices(choices, HasScales);

    /// <summary>How many architectures there are.</summary>
    public BigInteger Size => Blocks.Aggregate(BigInteger.One, (size, alternatives) => size * alternatives.Length);

    /// <summary>The most architectures that share no operation of any block.</summary>
    public int MostDisjoint => Enumerable.Range(0, Blocks.Length).Min(OperationsOf);

    /// <summary>So many architectures, each of one alternative in all blocks, have every alternative that all blocks have.</summary>
    public int MostAlike => Blocks.Min(alternatives => alternatives.Length);

    /// <summary>
    /// What keeps an architecture out of this space, as the end of a sentence that begins with the architecture ("has 3 blocks; the
    /// network has 5"); null if nothing does.
    /// </summary>
    public string? FaultOf(Architecture path)
    {
        if (path.Blocks.Length != Blocks.Length) return $"has {path.Blocks.Length} blocks; the network has {Blocks.Length}";
        if (path.HasScales != HasScales)
        {
            return path.HasScales ? "has channel scales; the network has none" : "has no channel scales; the network has them";
        }
        int block = Enumerable.Range(0, Blocks.Length).FirstOrDefault(b => path.Blocks[b] >= Blocks[b].Length, -1);
        return block < 0
            ? null
            : $"chooses {path.Operations[block]} in block {block}; the choices there are 0 to {OperationsOf(block) - 1}";
    }
}
