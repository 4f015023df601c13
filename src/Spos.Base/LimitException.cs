namespace Spos;

/// <summary>A network or batch is more than this program can handle; the message says what is, and what can be had.</summary>
public sealed class LimitException(string message) : SposException(message);
