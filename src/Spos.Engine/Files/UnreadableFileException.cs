using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>A file or folder cannot be read, for a reason of its own; the message names it.</summary>
public sealed class UnreadableFileException(string message) : SposException(message)
{
    internal static UnreadableFileException Of(FilePath path, int error) => new($"{path}: cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.");
}
