using Spos.Engine.Nn;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>A turn of a path: a part of the network that all paths share, or a block, of which each path takes an alternative.</summary>
/// <typeparam name="T">A segment, or the notes that it is made of.</typeparam>
/// <param name="Block">Null if all paths do the same.</param>
/// <param name="Parts">By alternative; null for one that the network does not have.</param>
internal sealed record Turn<T>(int? Block, Part<T>?[] Parts)
{
    /// <summary>What a path does.</summary>
    /// <exception cref="InvalidOperationException">The network does not have the path's alternative.</exception>
    public Part<T> PartOf(Architecture path)
    {
        if (Block is not { } block) return Parts[0]!;
        int choice = path.Blocks[block];
        return choice < Parts.Length && Parts[choice] is { } part
            ? part
            : throw new InvalidOperationException($"The network has no alternative {choice} of block {block}.");
    }

    /// <summary>The same with something else in the place of each part's work.</summary>
    public Turn<TOther> With<TOther>(Func<T, TOther> convert) =>
        new(Block, [.. Parts.Select(part => part == null ? null : new Part<TOther>(convert(part.Work), part.Groups))]);
}

/// <summary>What is done in a turn.</summary>
/// <param name="Groups">The parameters whose gradients are added to.</param>
internal sealed record Part<T>(T Work, ParameterGroup[] Groups);
