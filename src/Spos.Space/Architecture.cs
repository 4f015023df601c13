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

    // Between the operations and the scales of a text.
    private const char Divider = '/';

    /// <exception cref="FormatException">A number is no choice in any space.</exception>
    public Architecture(IEnumerable<int> choices)
    {
        Blocks = [.. choices];
        foreach (int choice in Blocks)
        {
            if (choice is < 0 or >= MostAlternatives) throw new FormatException($"{choice} is not the number of a choice.");
        }
    }

    /// <summary>Of a space with channel scales.</summary>
    /// <param name="scales">The number of each block's scale; as many as there are operations.</param>
    /// <exception cref="FormatException">A number is no choice in any space, or there are not as many.</exception>
    public Architecture(IReadOnlyCollection<int> operations, IReadOnlyCollection<int> scales)
        : this(operations.Zip(scales, (operation, scale) => ChoiceOf(operation, scale)))
    {
        HasScales = true;
        if (operations.Count != scales.Count)
        {
            throw new FormatException($"{operations.Count} operations and {scales.Count} channel scales: a block has one of each.");
        }
    }

    private Architecture(ImmutableArray<int> blocks, bool hasScales) => (Blocks, HasScales) = (blocks, hasScales);

    /// <summary>
    /// The choice of each block, from the image on. Where there are channel scales, those of an operation are neighbours: the choice is
    /// <see cref="ChannelScales.Count"/> times the operation's number and the scale's.
    /// </summary>
    public ImmutableArray<int> Blocks { get; }

    /// <summary>Whether each block has a channel scale beside its operation.</summary>
    public bool HasScales { get; }

    /// <summary>The operation of each block.</summary>
    public ImmutableArray<int> Operations => HasScales ? [.. Blocks.Select(choice => choice / ChannelScales.Count)] : Blocks;

    /// <summary>The scale of each block; empty where there are none.</summary>
    public ImmutableArray<int> Scales => HasScales ? [.. Blocks.Select(choice => choice % ChannelScales.Count)] : [];

    /// <summary>Of choices as <see cref="Blocks"/> has them.</summary>
    /// <exception cref="FormatException">A number is no choice in any space.</exception>
    public static Architecture OfChoices(IEnumerable<int> choices, bool hasScales) => new(new Architecture(choices).Blocks, hasScales);

    /// <summary>Of operations and scales as <see cref="Operations"/> and <see cref="Scales"/> have them.</summary>
    /// <exception cref="FormatException">A number is no choice in any space, or there are not as many.</exception>
    public static Architecture Of(IReadOnlyCollection<int> operations, IReadOnlyCollection<int> scales) =>
        scales.Count > 0 ? new Architecture(operations, scales) : new Architecture(operations);

    /// <summary>The choice of an operation at a scale.</summary>
    /// <exception cref="FormatException">There is no such scale.</exception>
    public static int ChoiceOf(int operation, int scale) => scale is >= 0 and < ChannelScales.Count
        ? operation * ChannelScales.Count + scale
        : throw new FormatException($"{scale} is no channel scale: 0 to {ChannelScales.Count - 1} are.");

    /// <summary>
    /// Reads "2 1 0 1" or "2,1,0,1", also as Python prints a list, "[2, 1, 0, 1]", or a tuple, "(2, 1, 0, 1)"; with channel scales after a
    /// slash, "2 1 0 1 / 4 5 4 7".
    /// </summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static Architecture Parse(string text) => text.Split(Divider) switch
    {
        [var choices] => new Architecture(ListIn(choices)),
        [var operations, var scales] => new Architecture(ListIn(operations), ScalesIn(scales)),
        _ => throw new FormatException($"more than one {Divider} stands in an architecture."),
    };

    /// <summary>Reads the number of a choice: digits, without a sign or leading zeros; null if it is none.</summary>
    public static int? ChoiceOf(string text) =>
        text.Length is > 0 and <= 3 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0') ? int.Parse(text) : null;

    public bool Equals(Architecture? other) => other != null && HasScales == other.HasScales && Blocks.SequenceEqual(other.Blocks);

    public override bool Equals(object? obj) => Equals(obj as Architecture);

    public override int GetHashCode() => Blocks.Aggregate(17, (hash, choice) => HashCode.Combine(hash, choice));

    public override string ToString() =>
        string.Join(' ', Operations) + (HasScales ? $" {Divider} {string.Join(' ', Scales)}" : "");

    private static int[] ScalesIn(string text)
    {
        try
        {
            return ListIn(text);
        }
        catch (FormatException error)
        {
            string range = $"0 to {ChannelScales.Count - 1}, for {ChannelScales.NameOf(0)} to {ChannelScales.NameOf(ChannelScales.Widest)}";
            throw new FormatException($"{error.Message} After the {Divider} stand the numbers of the channel scales, {range}.", error);
        }
    }

    private static int[] ListIn(string text)
    {
        string list = text.Trim();
        if (list is ['[', .., ']'] or ['(', .., ')']) list = list[1..^1].Trim();
        // Python ends a tuple of one item with a comma.
        string[] parts = list.Contains(',')
            ? (list.EndsWith(',') ? list[..^1] : list).Split(',', StringSplitOptions.TrimEntries)
            : list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) throw new FormatException("an architecture is a list of numbers, one for each block.");
        return [.. parts.Select(part => ChoiceOf(part) ?? throw new FormatException(part.Length == 0
            ? "a number is missing at a comma."
            : $"'{Shown.Excerpt(part)}' in an architecture is not the number of a choice."))];
    }
}
