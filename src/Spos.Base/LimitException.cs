namespace Spos;

/// <summary>A network or batch is larger than this program can handle; the message says what is, and how large it may be.</summary>
public sealed class LimitException(string message) : SposException(message);
