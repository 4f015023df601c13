namespace Spos.Cli.Options;

/// <summary>Where help lists a verb: the first is 1. One without a place comes last.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PlaceAttribute(int place) : Attribute
{
    public int Place { get; } = place;
}
