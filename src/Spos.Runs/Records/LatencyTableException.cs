namespace Spos.Runs.Records;

/// <summary>A table of latencies cannot be used; the message names the file and says why.</summary>
public sealed class LatencyTableException(string message) : SposException(message);
