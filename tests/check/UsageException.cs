namespace Spos.Check;

/// <summary>The command line makes no sense.</summary>
internal sealed class UsageException(string message) : SposException(message);
