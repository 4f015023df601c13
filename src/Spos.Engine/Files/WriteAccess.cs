using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>Whether something that is there may be written to.</summary>
public static partial class WriteAccess
{
    private const int WriteOk = 2;

    /// <summary>False of what the user may not write to, and of all on a file system that may only be read.</summary>
    public static bool IsGiven(string path) => Access(path, WriteOk) == 0;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}
