using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>What a name in a folder stands for.</summary>
internal enum FileKind
{
    /// <summary>The folder's listing does not say: a link, or a file system that keeps no kinds.</summary>
    Unknown,
    Regular,
    Folder,

    /// <summary>A pipe, a socket or a device: to open one may wait for ever, or do something.</summary>
    Special,
}

/// <summary>What the system knows of a file without opening it; links are followed.</summary>
internal readonly record struct FileStatus(FileKind Kind, long Size, (uint Major, uint Minor, ulong Inode) Id)
{
    /// <returns>Null where there is nothing, or nothing that may be looked at; the system's error number says why.</returns>
    public static unsafe FileStatus? Of(FilePath path)
    {
        fixed (byte* name = path.Terminated) return Of(LibC.CurrentFolder, name, 0);
    }

    /// <summary>Of an open file.</summary>
    public static unsafe FileStatus? Of(int descriptor)
    {
        byte empty = 0;
        return Of(descriptor, &empty, LibC.EmptyPath);
    }

    private static unsafe FileStatus? Of(int folder, byte* name, int flags)
    {
        LibC.Status status;
        int result;
        do result = LibC.Statx(folder, name, flags, LibC.BasicStatus, &status);
        while (result != 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
        if (result != 0) return null;
        FileKind kind = (status.Mode & 0xF000) switch { 0x8000 => FileKind.Regular, 0x4000 => FileKind.Folder, _ => FileKind.Special };
        return new FileStatus(kind, (long)status.Size, (status.DeviceMajor, status.DeviceMinor, status.Inode));
    }
}
