namespace Spos.Space;

/// <summary>One of the ways in which a block of a network can be built.</summary>
/// <param name="Name">What people call it, such as "shuffle 3×3".</param>
/// <param name="Channels">How many channels it has inside, where alternatives differ in that; else 0.</param>
public sealed record Alternative(string Name, int Channels = 0);
