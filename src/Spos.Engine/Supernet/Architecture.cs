using System.Collections.Immutable;

namespace Spos.Engine.Supernet;

/// <summary>A path through the supernet: one choice (0–3) for each block.</summary>
public sealed class Architecture : IEquatable<Architecture>
{
    /// <summary>How many operations a block chooses from.</summary>
    public const int Choices = 4;

    public Architecture(IEnumerable<int> choices)
    {
        Blocks = [.. choices];
        foreach (int choice in Blocks)
        {
            if (choice is < 0 or >= Choices) throw new FormatException($"{choice} is not a choice: 0 to {Choices - 1} are.");
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
        if (parts.Length == 0) throw new FormatException("an architecture is a list of numbers 0 to 3, one for each block.");
        return new Architecture(parts.Select(ChoiceOf));
    }

    public bool Equals(Architecture? other) => other != null && Blocks.SequenceEqual(other.Blocks);

    public override bool Equals(object? obj) => Equals(obj as Architecture);

    public override int GetHashCode() => Blocks.Aggregate(17, (hash, choice) => HashCode.Combine(hash, choice));

    public override string ToString() => string.Join(' ', Blocks);

    private static int ChoiceOf(string text) => text is [>= '0' and < (char)('0' + Choices)]
        ? text[0] - '0'
        : throw new FormatException(text.Length == 0
            ? "a number is missing at a comma."
            : $"'{Shown.Excerpt(text)}' in an architecture is not a number 0 to {Choices - 1}.");
}
