namespace Spos;

/// <summary>The options make no sense; the message says which and why.</summary>
public sealed class UsageException(string message) : SposException(message);
