namespace Spos.Space;

/// <summary>An alternative that a block is left with, and how well those of some scored paths do that have it.</summary>
/// <param name="Block">From 0.</param>
/// <param name="IsScale">Whether it is a channel scale; else it is an operation.</param>
/// <param name="Number">The number of the operation, or of the scale.</param>
/// <param name="Paths">How many of the paths have it.</param>
/// <param name="Score">The mean of theirs; NaN if there are none.</param>
public sealed record ScoredAlternative(int Block, bool IsScale, int Number, int Paths, double Score)
{
    /// <summary>All that are left of a space: block by block the operations, and then the channel scales.</summary>
    public static IReadOnlyList<ScoredAlternative> Of(SearchSpace space, IReadOnlyList<Candidate> scored)
    {
        var alternatives = new List<ScoredAlternative>();
        bool[] kinds = space.HasScales ? [false, true] : [false];
        foreach (bool isScale in kinds)
        {
            foreach ((int block, var numbers) in (isScale ? space.Scales : space.Operations).Index())
            {
                ILookup<int, double> scores = scored.ToLookup(
                    one => (isScale ? one.Path.Scales : one.Path.Operations)[block], one => one.Top1);
                alternatives.AddRange(numbers.Select(number => new ScoredAlternative(
                    block, isScale, number, scores[number].Count(), scores[number].DefaultIfEmpty(double.NaN).Average())));
            }
        }
        return [.. alternatives.OrderBy(one => one.Block).ThenBy(one => one.IsScale)];
    }

    /// <summary>The same space, in which the alternative's block is left with it alone, of its kind.</summary>
    public SearchSpace Alone(SearchSpace space) => Changed(space, _ => [Number]);

    /// <summary>The same space without the alternative.</summary>
    /// <exception cref="FormatException">It is the last of its kind in its block.</exception>
    public SearchSpace LeftOutOf(SearchSpace space) => Changed(space, numbers => numbers.Where(number => number != Number));

    private SearchSpace Changed(SearchSpace space, Func<IEnumerable<int>, IEnumerable<int>> change)
    {
        IEnumerable<IEnumerable<int>> In(IEnumerable<IEnumerable<int>> blocks, bool isChanged) =>
            blocks.Select((numbers, block) => isChanged && block == Block ? change(numbers) : numbers);
        return space.With(
            In(space.Operations.Select(numbers => numbers.AsEnumerable()), !IsScale),
            In(space.Scales.Select(numbers => numbers.AsEnumerable()), IsScale));
    }
}
