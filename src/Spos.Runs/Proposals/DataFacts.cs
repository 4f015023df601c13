using System.Collections.Immutable;
using Spos.Engine.Data;

namespace Spos.Runs.Proposals;

/// <summary>What of a data set options depend on.</summary>
/// <param name="ClassSizes">Training pictures of each class; without damaged ones, where all pictures were looked at.</param>
/// <param name="Val">Validation pictures; likewise without damaged ones.</param>
/// <param name="ShortSide">The median of the pictures' shorter sides, in pixels.</param>
/// <param name="LongSide">The median of the longer ones.</param>
public sealed record DataFacts(ImmutableArray<int> ClassSizes, int Val, int ShortSide, int LongSide)
{
    /// <summary>Training pictures that a class needs: one is held out for the search.</summary>
    public const int LeastOfClass = SplitFolder.LeastOfClass - 1;

    private const int Measured = 500;

    public int Classes => ClassSizes.Length;

    /// <summary>Training pictures.</summary>
    public int Train => ClassSizes.Sum();

    /// <summary>Pictures, of some that were looked at, that are no pictures.</summary>
    public int Damaged { get; init; }

    /// <summary>The class with the fewest training pictures.</summary>
    public (string Name, int Pictures) Smallest { get; init; }

    /// <param name="workers">Files that are read at once.</param>
    /// <exception cref="DataException">There is nothing to learn from.</exception>
    public static DataFacts Of(ImageFolder train, ImageFolder val, int workers)
    {
        (int Width, int Height)[] all = PictureSizes.Of(train, 0, Measured, workers), sizes = WholeOf(train, all);
        (int Width, int Height)[] allOfVal = PictureSizes.Of(val, 0, Measured, workers), ofVal = WholeOf(val, allOfVal);
        int damagedOfVal = allOfVal.Length - ofVal.Length;
        // Of a data set that was looked at as a whole it is known which pictures nothing is learnt from.
        bool[] isLeftOut = all.Length == train.Samples.Length ? [.. all.Select(size => size.Width == 0)] : new bool[train.Samples.Length];
        int[] classes = new int[train.Classes.Length], given = new int[train.Classes.Length];
        foreach ((int i, ImageFolder.Sample sample) in train.Samples.Index())
        {
            given[sample.Label]++;
            if (!isLeftOut[i]) classes[sample.Label]++;
        }
        (int label, int count) = classes.Index().MinBy(one => one.Item);
        string folder = Path.Combine(train.Root, train.Classes[label]);
        if (count == 0)
        {
            string what = given[label] == 1 ? "its one picture cannot be decoded" : $"none of its {given[label]} pictures can be decoded";
            throw new DataException($"{folder}: {what}. Add others, or remove the class from train and val.");
        }
        if (count < LeastOfClass)
        {
            string of = given[label] == 1 ? "" : $" of {given[label]}, the others are damaged: this";
            throw new DataException(
                $"{folder}: one picture{of} is too few to train on, since one of each class is held out for the search. Add some, or "
                + "remove the class from train and val.");
        }
        return new DataFacts(
            [.. classes], val.Samples.Length - (allOfVal.Length == val.Samples.Length ? damagedOfVal : 0),
            MedianOf(sizes.Select(s => Math.Min(s.Width, s.Height))),
            MedianOf(sizes.Select(s => Math.Max(s.Width, s.Height))))
        {
            Damaged = all.Length - sizes.Length + damagedOfVal,
            Smallest = (train.Classes[label], count),
        };
    }

    private static (int Width, int Height)[] WholeOf(ImageFolder data, (int Width, int Height)[] sizes)
    {
        (int Width, int Height)[] whole = [.. sizes.Where(size => size.Width > 0)];
        return whole.Length > 0
            ? whole
            : throw new DataException($"{data.Root}: none of {sizes.Length} pictures can be decoded. Replace them.");
    }

    private static int MedianOf(IEnumerable<int> values)
    {
        int[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
