namespace Spos.Engine.Pickles;

/// <summary>A pickle is damaged.</summary>
public sealed class PickleException(long position, string message) : SposException($"at byte {position}: {message}")
{
    /// <summary>Where in the pickle.</summary>
    public long Position { get; } = position;
}
