namespace Spos.Engine.Files;

/// <summary>A file could not be written. Nothing half-written is left in its place.</summary>
/// <param name="path">The file that was to be, not the one beside it.</param>
/// <param name="reason">The system's words, such as "No space left on device".</param>
public sealed class WriteException(string path, string reason, Exception cause)
    : SposException($"{path} could not be written: {reason}.", cause)
{
    // EWOULDBLOCK of Linux: somebody else has the lock.
    private const int WouldBlock = 11;

    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>Whether an exception says that something could not be written.</summary>
    public static bool Tells(Exception error) => error is IOException or UnauthorizedAccessException || IsTooLarge(error);

    /// <summary>Whether a file could not be opened because another program holds it (<see cref="FileShare.None"/>).</summary>
    public static bool TellsOfLock(Exception error) => error is IOException && error.HResult == WouldBlock;

    /// <summary>What became of writing <paramref name="path"/>.</summary>
    public static WriteException Of(string path, Exception error) => new(path, ReasonOf(error), error);

    // What .NET makes of EFBIG: the file system or a limit (ulimit -f) allows no such size.
    private static bool IsTooLarge(Exception error) =>
        error is ArgumentOutOfRangeException && error.TargetSite?.DeclaringType == typeof(RandomAccess);

    // Without the name that the system gives: the file beside is gone.
    private static string ReasonOf(Exception error)
    {
        if (IsTooLarge(error)) return "File too large";
        string text = error is UnauthorizedAccessException ? error.InnerException?.Message ?? "Permission denied" : error.Message;
        return text.Split(" : '")[0].TrimEnd('.');
    }
}
