namespace Spos.Board.Serving;

/// <summary>A board cannot be served; the message says why, and what to do.</summary>
public sealed class BoardException(string message, Exception? cause = null) : SposException(message, cause);
