namespace Spos.Runs.Folders;

/// <summary>A run could not go on; the message says why and what it has left.</summary>
public sealed class InterruptedRunException(string message, Exception cause) : SposException(message, cause);
