namespace Spos.Engine.Ranks;

/// <summary>The processes of a run cannot work together.</summary>
public sealed class RanksException(string message) : SposException(message);
