namespace Spos.Engine.Checkpoints;

/// <summary>A checkpoint cannot be used; the message names the file and says why.</summary>
public sealed class CheckpointException(string message) : SposException(message)
{
    /// <summary>Whether the file itself is at fault: it is not if it cannot be opened, or is of a newer version of this program.</summary>
    public bool IsDamage { get; init; } = true;
}
