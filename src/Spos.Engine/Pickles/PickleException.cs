namespace Spos.Engine.Pickles;

/// <summary>A pickle is damaged, or holds what is not plain data.</summary>
public sealed class PickleException(long position, string message) : SposException($"at byte {position}: {message}")
{
    /// <summary>Where in the pickle.</summary>
    public long Position { get; } = position;
}
