namespace Spos.Cli;

/// <summary>The options make no sense; the message says which and why.</summary>
internal sealed class UsageException(string message) : SposException(message);
