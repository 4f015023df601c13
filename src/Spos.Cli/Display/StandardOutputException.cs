namespace Spos.Cli.Display;

/// <summary>What a command was asked to print could not be printed.</summary>
/// <param name="reason">The system's words, such as "No space left on device".</param>
internal sealed class StandardOutputException(string reason)
    : SposException($"standard output could not be written: {reason}. Send it where there is room.");
