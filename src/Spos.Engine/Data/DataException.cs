namespace Spos.Engine.Data;

/// <summary>A data set or a file of it cannot be used; the message names it and says what to do.</summary>
public sealed class DataException(string message) : SposException(message);
