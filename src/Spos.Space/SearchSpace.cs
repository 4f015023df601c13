using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space;

/// <summary>
/// What can be searched: the blocks of a network, from the image on, and the alternatives of each. Some alternatives may be left out: those
/// that are left keep their numbers, and no path has the others.
/// </summary>
public sealed class SearchSpace
{
    /// <summary>What stands between the blocks of <see cref="Left"/>.</summary>
    public const char BlockDivider = '|';

    // Between the operations and the scales of a block.
    private const char ScaleDivider = '/';

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
        Operations = [.. Blocks.Select((_, block) => UpTo(OperationsOf(block)))];
        Scales = [.. Blocks.Select(_ => UpTo(hasScales ? ChannelScales.Count : 0))];
        Choices = [.. Blocks.Select(alternatives => UpTo(alternatives.Length))];
    }

    private SearchSpace(SearchSpace whole, ImmutableArray<ImmutableArray<int>> operations, ImmutableArray<ImmutableArray<int>> scales)
    {
        (Blocks, HasScales, Operations, Scales) = (whole.Blocks, whole.HasScales, operations, scales);
        Choices = [.. operations.Select((_, block) => ChoicesOf(block, scales[block]))];
    }

    /// <summary>The alternatives of each block. An architecture names them by their places here, from 0.</summary>
    public ImmutableArray<ImmutableArray<Alternative>> Blocks { get; }

    /// <summary>Whether alternatives are operations at channel scales.</summary>
    public bool HasScales { get; }

    /// <summary>The numbers of the operations that each block is left with, in rising order.</summary>
    public ImmutableArray<ImmutableArray<int>> Operations { get; }

    /// <summary>The same of channel scales; none where there are none.</summary>
    public ImmutableArray<ImmutableArray<int>> Scales { get; }

    /// <summary>The numbers of the alternatives that each block is left with, in rising order: each operation at each scale.</summary>
    public ImmutableArray<ImmutableArray<int>> Choices { get; }

    /// <summary>Whether no alternative is left out.</summary>
    public bool IsWhole => Choices.Index().All(block => block.Item.Length == Blocks[block.Index].Length);

    /// <summary>
    /// What is left, for records: block by block the operations, and after a slash the channel scales, as "0 2 3 / 4 5 | 1 2 / 4"; nothing
    /// where no alternative is left out.
    /// </summary>
    public string Left => IsWhole ? "" : string.Join($" {BlockDivider} ", Operations.Select((operations, block) =>
        string.Join(' ', operations) + (HasScales ? $" {ScaleDivider} {string.Join(' ', Scales[block])}" : "")));

    /// <summary>How many operations a block has: its alternatives, but for their scales. Those that are left out count too.</summary>
    public int OperationsOf(int block) => Blocks[block].Length / (HasScales ? ChannelScales.Count : 1);

    /// <summary>What an operation of a block is called, whatever its scale.</summary>
    public string OperationName(int block, int operation)
    {
        if (!HasScales) return Blocks[block][operation].Name;
        // What its names at all scales begin with.
        string name = Blocks[block][Architecture.ChoiceOf(operation, 0)].Name;
        return name[..name.LastIndexOf('_')];
    }

    /// <summary>
    /// The same blocks, with fewer alternatives left or with more. Of scales that give a block as many channels, as in narrow networks,
    /// those with the lowest numbers are left: they are the same network, and files tell scales by their channels.
    /// </summary>
    /// <param name="operations">The numbers of those that each block is left with, in any order.</param>
    /// <param name="scales">The same of channel scales; null for those that are left now.</param>
    /// <exception cref="FormatException">A block is left with none, or there is no such number; the message names the block.</exception>
    public SearchSpace With(IEnumerable<IEnumerable<int>> operations, IEnumerable<IEnumerable<int>>? scales = null) => new(
        this,
        LeftOf(operations, OperationsOf, "operation"),
        scales == null || !HasScales ? Scales : FirstOfEqual(LeftOf(scales, _ => ChannelScales.Count, "channel scale")));

    /// <summary>The same blocks, with what a text says that is left, as <see cref="Left"/> writes it.</summary>
    /// <exception cref="FormatException">It says something else.</exception>
    public SearchSpace With(string left)
    {
        if (left.Length == 0) return new SearchSpace(Blocks, HasScales);
        string[][] blocks = [.. left.Split(BlockDivider).Select(block => block.Split(ScaleDivider))];
        if (blocks.FirstOrDefault(parts => parts.Length != (HasScales ? 2 : 1)) is { } wrong)
        {
            throw new FormatException($"'{Shown.Excerpt(string.Join(ScaleDivider, wrong))}' are no alternatives of a block.");
        }
        return With(blocks.Select(parts => NumbersIn(parts[0])), HasScales ? blocks.Select(parts => NumbersIn(parts[1])) : null);
    }

    /// <summary>Whether all that another space of the same blocks is left with is left here too.</summary>
    public bool Holds(SearchSpace other) =>
        other.Choices.Length == Choices.Length && other.Choices.Index().All(block => !block.Item.Except(Choices[block.Index]).Any());

    /// <summary>
    /// The alternatives of a block while channel scales are let in one after the other: those of so many of the widest scales that are
    /// left.
    /// </summary>
    /// <param name="scales">At least 1; of no account where there are no scales.</param>
    public ImmutableArray<int> WidestOf(int block, int scales) => ChoicesOf(block, WidestScalesOf(block, scales));

    /// <summary>So many of the widest scales that a block is left with, or all if there are not so many.</summary>
    public ImmutableArray<int> WidestScalesOf(int block, int scales) => [.. Scales[block].TakeLast(scales)];

    /// <summary>The architecture that takes these alternatives.</summary>
    public Architecture PathOf(IEnumerable<int> choices) => Architecture.OfChoices(choices, HasScales);

    /// <summary>How many architectures there are.</summary>
    public BigInteger Size => Choices.Aggregate(BigInteger.One, (size, choices) => size * choices.Length);

    /// <summary>The most architectures that share no operation of any block, nor a channel scale where there are such.</summary>
    public int MostDisjoint => Operations.Concat(HasScales ? Scales : []).Min(left => left.Length);

    /// <summary>The alternatives that all blocks are left with. As many architectures are each of one alternative in all blocks.</summary>
    public ImmutableArray<int> Alike => [.. Choices[0].Where(choice => Choices.All(choices => choices.BinarySearch(choice) >= 0))];

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
        int block = Enumerable.Range(0, Blocks.Length).FirstOrDefault(b => Choices[b].BinarySearch(path.Blocks[b]) < 0, -1);
        if (block < 0) return null;
        int operation = path.Operations[block];
        return Operations[block].Contains(operation)
            ? $"has the channel scale {path.Scales[block]} in block {block}; the space is left with "
                + $"{string.Join(", ", Scales[block])} there"
            : Operations[block].Length == OperationsOf(block)
            ? $"chooses {operation} in block {block}; the choices there are 0 to {OperationsOf(block) - 1}"
            : $"chooses {operation} in block {block}; the space is left with {string.Join(", ", Operations[block])} there";
    }

    private static ImmutableArray<int> UpTo(int count) => [.. Enumerable.Range(0, count)];

    private static int[] NumbersIn(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => Architecture.ChoiceOf(number)
            ?? throw new FormatException($"'{Shown.Excerpt(number)}' is not the number of an alternative.")),
    ];

    private ImmutableArray<int> ChoicesOf(int block, ImmutableArray<int> scales) => HasScales
        ? [.. Operations[block].SelectMany(operation => scales.Select(scale => Architecture.ChoiceOf(operation, scale)))]
        : Operations[block];

    private ImmutableArray<ImmutableArray<int>> FirstOfEqual(ImmutableArray<ImmutableArray<int>> scales)
    {
        IEnumerable<int> First(int block, IGrouping<int, int> equal) =>
            UpTo(ChannelScales.Count).Where(scale => Blocks[block][scale].Channels == equal.Key).Take(equal.Count());
        return
        [
            .. scales.Select((left, block) => left.GroupBy(scale => Blocks[block][scale].Channels)
                .SelectMany(equal => First(block, equal)).Order().ToImmutableArray()),
        ];
    }

    private ImmutableArray<ImmutableArray<int>> LeftOf(IEnumerable<IEnumerable<int>> blocks, Func<int, int> countOf, string what)
    {
        ImmutableArray<ImmutableArray<int>> left = [.. blocks.Select(numbers => numbers.Distinct().Order().ToImmutableArray())];
        if (left.Length != Blocks.Length) throw new FormatException($"{left.Length} blocks: the network has {Blocks.Length}.");
        foreach ((int block, ImmutableArray<int> numbers) in left.Index())
        {
            if (numbers.IsEmpty) throw new FormatException($"block {block} is left without any {what}.");
            if (numbers[0] < 0 || numbers[^1] >= countOf(block))
            {
                int wrong = numbers[0] < 0 ? numbers[0] : numbers[^1];
                throw new FormatException($"block {block} has no {what} {wrong}: 0 to {countOf(block) - 1} are there.");
            }
        }
        return left;
    }
}
