namespace Spos.Engine.Plans;

/// <summary>A moment of a plan: a turn, and how many events of the turn come before.</summary>
internal readonly record struct Moment(int Turn, int Event) : IComparable<Moment>
{
    /// <summary>After the end of the plan.</summary>
    public static Moment Never { get; } = new(int.MaxValue, int.MaxValue);

    public int CompareTo(Moment other) => (Turn, Event).CompareTo((other.Turn, other.Event));
}

/// <summary>Memory that the launches of a plan use from one moment to another.</summary>
/// <param name="address">What ops are told while the plan is made.</param>
/// <param name="size">In bytes.</param>
/// <param name="owner">The alternative of a block that alone uses it; null if all paths do.</param>
/// <param name="birth">When it is rented.</param>
internal sealed class PlannedBuffer(ulong address, long size, (int Block, int Alternative)? owner, Moment birth)
{
    public ulong Address { get; } = address;

    public long Size { get; } = size;

    public (int Block, int Alternative)? Owner { get; } = owner;

    public Moment Birth { get; set; } = birth;

    /// <summary>When nobody holds it any longer.</summary>
    public Moment Death { get; set; } = Moment.Never;

    /// <summary>Where it lies in the plan's memory; -1 for what the caller brings.</summary>
    public long Offset { get; set; } = -1;

    /// <summary>Whether a turn hands it to a later one.</summary>
    public bool Crosses => Death.Turn > Birth.Turn;

    /// <summary>Whether both are in use at the same time on some path.</summary>
    public bool Meets(PlannedBuffer other)
    {
        if (Birth.CompareTo(other.Death) >= 0 || other.Birth.CompareTo(Death) >= 0) return false;
        // A path takes one alternative of a block.
        return Owner is not { } mine || other.Owner is not { } theirs
            || mine.Block != theirs.Block || mine.Alternative == theirs.Alternative;
    }
}
