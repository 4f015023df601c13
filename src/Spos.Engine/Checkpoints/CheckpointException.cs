namespace Spos.Engine.Checkpoints;

/// <summary>A checkpoint cannot be used; the message names the file and says why.</summary>
public sealed class CheckpointException(string message) : SposException(message);
