namespace Spos;

/// <summary>A network or batch is larger than this program can handle, or asks for kernels that there are not.</summary>
public sealed class LimitException(string message) : SposException(message);
