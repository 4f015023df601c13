using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>
/// The calls of the C library that take names as bytes: .NET's own cannot name a file whose name is not UTF-8, and wait for ever
/// where a pipe is opened. Numbers and layouts are those of 64-bit Linux, the same on x86-64 and arm64, glibc and musl.
/// </summary>
internal static unsafe partial class LibC
{
    public const int OpenForReading = 0, OpenWithoutWaiting = 0x800, CloseOnExec = 0x8_0000, NoControllingTerminal = 0x100;

    public const int CurrentFolder = -100, EmptyPath = 0x1000;

    private const int FollowLinks = 0x400;

    public const uint BasicStatus = 0x7FF;

    public const int NotPermitted = 1, NoEntry = 2, Interrupted = 4,
        InputOutput = 5, NoDeviceOrAddress = 6, AccessDenied = 13, NoDevice = 19,
        NotAFolder = 20, NameTooLong = 36, TooManyLinks = 40, BadMessage = 74, NeedsCleaning = 117;

    /// <summary>struct statx: its layout is the kernel's on every machine.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct Status
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    /// <returns>A descriptor, or -1.</returns>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    public static partial int Open(byte* path, int flags, uint mode);

    /// <returns>Bytes read, 0 at the end, or -1.</returns>
    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* target, nuint count);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    /// <returns>0, or -1.</returns>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(int folder, byte* path, int flags, uint mask, Status* status);

    /// <returns>A stream of entries, or null.</returns>
    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true)]
    public static partial nint OpenFolder(byte* path);

    /// <returns>A struct dirent that is valid until the next call; null at the end (error 0) or where it fails.</returns>
    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    public static partial byte* ReadFolder(nint folder);

    /// <summary>Gives a file, or what a symbolic link leads to, a further name.</summary>
    /// <returns>Whether it has it; not where the file system has no such names, or another one holds the folder.</returns>
    public static bool TryLink(FilePath file, FilePath name)
    {
        fixed (byte* from = file.Terminated, to = name.Terminated) return Link(CurrentFolder, from, CurrentFolder, to, FollowLinks) == 0;
    }

    /// <returns>0, or -1.</returns>
    [LibraryImport("libc", EntryPoint = "linkat")]
    private static partial int Link(int folder, byte* file, int nameFolder, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "closedir")]
    public static partial int CloseFolder(nint folder);
}
