namespace Spos.Space;

/// <summary>
/// The sandwich rule (arXiv 1903.05134, section 3; BigNAS, arXiv 2003.11142): a step trains the widest path, random paths and the narrowest
/// one, as all others lie between these two. They are the paths of the most and of the least cost in the space.
/// </summary>
/// <param name="costs">What paths are told apart by, such as FLOPs.</param>
public sealed class SandwichRule(CostTable costs)
{
    /// <summary>The path of the most cost; where several alternatives of a block have it, the last of them.</summary>
    public Architecture Widest { get; } = costs.Space.PathOf(
        costs.Space.Choices.Select((choices, block) => choices.Reverse().MaxBy(choice => costs.Of(block)[choice])));

    /// <summary>The path of the least cost; where several alternatives of a block have it, the first of them.</summary>
    /// <param name="scales">How many channel scales are let in, from the widest on; of no account where there are none.</param>
    public Architecture Narrowest(int scales = ChannelScales.Count) => costs.Space.PathOf(
        costs.Space.Choices.Select((_, block) => costs.Space.WidestOf(block, scales).MinBy(choice => costs.Of(block)[choice])));

    /// <summary>The paths of a step: the widest, which can teach the others, then those inside, and the narrowest.</summary>
    /// <param name="scales">As <see cref="Narrowest"/> has it.</param>
    public Architecture[] Around(IEnumerable<Architecture> inside, int scales = ChannelScales.Count) =>
        [Widest, .. inside, Narrowest(scales)];
}
