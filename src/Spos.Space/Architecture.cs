using System.Collections.Immutable;

namespace Spos.Space;

/// <summary>A path through a search space: for each block the number of one of its alternatives, from 0.</summary>
public sealed class Architecture : IEquatable<Architecture>
{
    /// <summary>More alternatives than this no block has.</summary>
    public const int MostAlternatives = 1000;

    /// <summary>
    /// The order of the choices, block by block. Of neighbours in it each goes on where it leaves the one before, so that as much as can
    /// be is the beginning of several.
    /// </summary>
    public static readonly Comparer<Architecture> ByChoices =
        Comparer<Architecture>.Create((one, other) => one.Blocks.AsSpan().SequenceCompareTo(other.Blocks.AsSpan()));

    /// <exception cref="FormatException">A number is no choice in any space.</exception>
    public Architecture(IEnumerable<int> choices)
    {
        Blocks = [.. choices];
        foreach (int choice in Blocks)
        {
            if (choice is < 0 or >= MostAlternatives) throw new FormatException($"{choice} is not the number of a choice.");
        }
    }

    /// <summary>The choice of each block, from the image on.</summary>
    public ImmutableArray<int> Blocks { get; }

    /// <summary>Reads "2 1 0 1" or "2,1,0,1", also as Python prints a list, "[2, 1, 0, 1]", or a tuple, "(2, 1, 0, 1)".</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static Architecture Parse(string text)
    {
        string list = text.Trim();
        if (list is ['[', .., ']'] or ['(', .., ')']) list = list[1..^1].Trim();
        // Python ends a tuple of one item with a comma.
        string[] parts = list.Contains(',')
            ? (list.EndsWith(',') ? list[..^1] : list).Split(',', StringSplitOptions.TrimEntries)
            : list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) throw new FormatException("an architecture is a list of numbers, one for each block.");
        return new Architecture(parts.Select(part => ChoiceOf(part) ?? throw new FormatException(part.Length == 0
            ? "a number is missing at a comma."
            : $"'{Shown.Excerpt(part)}' in an architecture is not the number of a choice.")));
    }

    /// <summary>Reads the number of a choice: digits, without a sign or leading zeros; null if it is none.</summary>
    public static int? ChoiceOf(string text) =>
        text.Length is > 0 and <= 3 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0') ? int.Parse(text) : null;

    public bool Equals(Architecture? other) => other != null && Blocks.SequenceEqual(other.Blocks);

    public override bool Equals(object? obj) => Equals(obj as Architecture);

    public override int GetHashCode() => Blocks.Aggregate(17, (hash, choice) => HashCode.Combine(hash, choice));

    public override string ToString() => string.Join(' ', Blocks);
}
