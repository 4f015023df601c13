using Spos.Engine.Files;

namespace Spos.Runs.Folders;

/// <summary>A run could not go on; the message says why and what it has left.</summary>
public sealed class InterruptedRunException(string message, Exception cause) : SposException(message, cause)
{
    /// <summary>A file of the run could not be written.</summary>
    /// <param name="left">What the run has left: a sentence without its full stop.</param>
    internal static InterruptedRunException Of(WriteException error, string left) =>
        new($"{error.Message} {left}: make room and run the same command again.", error);
}
