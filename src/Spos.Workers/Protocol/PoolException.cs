namespace Spos.Workers.Protocol;

/// <summary>A search cannot be shared, or a worker cannot join; the message says why, and what to do.</summary>
public sealed class PoolException(string message, Exception? cause = null) : SposException(message, cause);
