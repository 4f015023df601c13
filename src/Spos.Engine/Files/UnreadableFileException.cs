using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>A file or folder cannot be read, for a reason of its own; the message names it.</summary>
/// <param name="reason">A sentence that begins with a small letter.</param>
public sealed class UnreadableFileException(FilePath path, string reason) : SposException($"{path}: {reason}")
{
    /// <summary>Why, for messages that name the file themselves.</summary>
    public string Reason { get; } = reason;

    internal static UnreadableFileException Of(FilePath path, int error) =>
        new(path, $"cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.");
}
