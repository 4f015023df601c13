using System.Globalization;
using Spos.Engine.Files;

namespace Spos.Board.Processes;

/// <summary>A process that holds a lock.</summary>
/// <param name="Device">That of the locked file, as the kernel's list of locks has it.</param>
internal readonly record struct LockHolder(int Process, string Device);

/// <summary>
/// Which processes hold locks on files, by the kernel's own list. A run locks its folder for as long as it is alive, so that nothing
/// that a killed run leaves behind is taken for a live one, and no lock has to be tried, which would keep a run from starting.
/// </summary>
internal sealed class LockTable
{
    private const string Source = "/proc/locks";

    // By inode.
    private readonly ILookup<ulong, LockHolder> _holders;

    private LockTable(IEnumerable<string> lines) =>
        _holders = Parse(lines).ToLookup(one => one.Inode, one => new LockHolder(one.Process, one.Device));

    /// <summary>The locks of now; none where the system does not tell.</summary>
    public static LockTable Read()
    {
        try
        {
            return new LockTable(File.ReadLines(Source));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new LockTable([]);
        }
    }

    /// <summary>What holds a file's lock; null if nothing does.</summary>
    /// <param name="before">What did when the board looked last. What it has open is not looked through again.</param>
    public LockHolder? HolderOf(string path, LockHolder? before = null)
    {
        if (FileStatus.Of(FilePath.Of(path)) is not { Kind: FileKind.Regular } status) return null;
        foreach (LockHolder holder in _holders[status.Id.Inode])
        {
            if (holder == before) return holder;
            // File systems may show another device than the kernel's list does; what the process has open tells then.
            if (HasOpen(holder.Process, status) ?? holder.Device == $"{status.Id.Major:x2}:{status.Id.Minor:x2}") return holder;
        }
        return null;
    }

    /// <summary>Whether a process has a file open; null if that may not be looked at, as of another user's process.</summary>
    internal static bool? HasOpen(int process, FileStatus file)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Any(open => FileStatus.Of(FilePath.Of(open))?.Id == file.Id);
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // "1: FLOCK  ADVISORY  WRITE 12459 fe:00:11657583 0 EOF"
    private static IEnumerable<(ulong Inode, int Process, string Device)> Parse(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts is not [_, "FLOCK", _, "WRITE", var process, var file, ..]) continue;
            int end = file.LastIndexOf(':');
            if (end > 0 && int.TryParse(process, CultureInfo.InvariantCulture, out int id) && id > 0
                && ulong.TryParse(file.AsSpan(end + 1), CultureInfo.InvariantCulture, out ulong inode))
            {
                yield return (inode, id, file[..end]);
            }
        }
    }
}
