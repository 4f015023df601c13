namespace Spos.Engine.Plans;

/// <summary>A <see cref="Segment"/> in the making.</summary>
internal sealed class SegmentNotes
{
    public List<ulong> Values { get; } = [];

    public List<Event> Events { get; } = [];

    public List<Place> Places { get; } = [];

    public List<(int Value, int Variable)> Variables { get; } = [];

    public List<Action> HostEffects { get; } = [];
}
