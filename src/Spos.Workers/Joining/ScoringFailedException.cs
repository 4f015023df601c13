namespace Spos.Workers.Joining;

/// <summary>A worker cannot score: the connection has nothing to do with it.</summary>
internal sealed class ScoringFailedException(Exception cause) : SposException(cause.Message, cause);
