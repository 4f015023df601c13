namespace Spos.Engine.Data;

/// <summary>
/// Divides the training folder: the supernet is trained on one part, and candidates are compared on the other, which it
/// has not seen, so that the validation folder stays untouched until the end.
/// </summary>
public static class HeldOutSplit
{
    // The split belongs to the data set: it does not change with the seed of a run.
    private const ulong Seed = 0x5350_4F53;

    /// <summary>Pictures of a class that are held out.</summary>
    public static int CountOf(int pictures, float share) => share == 0 ? 0 : Math.Max(1, (int)Math.Round(pictures * share));

    /// <summary>The same share of each class is held out, at least one picture if the share is not 0.</summary>
    /// <exception cref="DataException">A class is too small to be divided.</exception>
    public static (ImageFolder Train, ImageFolder HeldOut) Divide(ImageFolder data, float share)
    {
        var train = new List<int>();
        var held = new List<int>();
        foreach (IGrouping<int, int> group in Enumerable.Range(0, data.Samples.Length).GroupBy(i => data.Samples[i].Label))
        {
            int[] members = [.. group];
            new CounterRandom(Seed, RandomPurpose.Split, (ulong)group.Key).Shuffle<int>(members);
            int count = CountOf(members.Length, share);
            if (count >= members.Length)
            {
                throw new DataException(
                    $"{Path.Combine(data.Root, data.Classes[group.Key])}: "
                    + $"{members.Length} pictures are too few to hold {count} out of training. Add some, or lower --held-out.");
            }
            held.AddRange(members[..count]);
            train.AddRange(members[count..]);
        }
        return (data.Subset(train.Order()), data.Subset(held.Order()));
    }
}
