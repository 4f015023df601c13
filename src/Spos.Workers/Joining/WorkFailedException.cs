namespace Spos.Workers.Joining;

/// <summary>A worker cannot do its work: the connection has nothing to do with it.</summary>
internal sealed class WorkFailedException(Exception cause) : SposException(cause.Message, cause);
