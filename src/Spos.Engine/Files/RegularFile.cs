using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>
/// Reads files of untrusted folders. Only regular files are read, so that nothing waits at a pipe or reads a device for ever.
/// </summary>
public static unsafe class RegularFile
{
    /// <summary>
    /// Whether there is something else at a path than a regular file or a link to one: a folder, a pipe, a device. It is not opened.
    /// </summary>
    public static bool IsOther(string path) => FileStatus.Of(FilePath.Of(path)) is { Kind: not FileKind.Regular };

    /// <summary>A whole file.</summary>
    /// <param name="mostBytes">A longer file is refused.</param>
    /// <exception cref="UnreadableFileException">It cannot be read, for a reason of its own.</exception>
    /// <exception cref="IOException">The system fails: it has no memory or descriptors left, or the file system is gone.</exception>
    public static byte[] Read(FilePath path, int mostBytes) => Read(path, size => size <= mostBytes
        ? (int)size
        : throw new UnreadableFileException(path, $"it has {size} bytes; nothing larger than {mostBytes} is read."));

    /// <summary>The first bytes of a file, as many as are asked for or there are.</summary>
    /// <exception cref="UnreadableFileException">As of <see cref="Read(FilePath, int)"/>.</exception>
    /// <exception cref="IOException">As of <see cref="Read(FilePath, int)"/>.</exception>
    public static byte[] ReadHead(FilePath path, int bytes) => Read(path, size => (int)Math.Min(size, bytes));

    private static byte[] Read(FilePath path, Func<long, int> lengthOf)
    {
        int file = Open(path);
        try
        {
            FileStatus status = FileStatus.Of(file) ?? throw Error(path);
            if (status.Kind == FileKind.Folder) throw new UnreadableFileException(path, "it is a folder, not a regular file.");
            if (status.Kind != FileKind.Regular) throw new UnreadableFileException(path, "it is not a regular file.");
            byte[] bytes = GC.AllocateUninitializedArray<byte>(lengthOf(status.Size));
            int length = Fill(file, bytes, path);
            // A file may become shorter meanwhile.
            return length == bytes.Length ? bytes : bytes[..length];
        }
        finally
        {
            _ = LibC.Close(file);
        }
    }

    private static int Open(FilePath path)
    {
        int file;
        fixed (byte* name = path.Terminated)
        {
            // Without waiting: who opens a pipe waits until somebody writes to it.
            const int Flags = LibC.OpenForReading | LibC.OpenWithoutWaiting | LibC.CloseOnExec | LibC.NoControllingTerminal;
            do file = LibC.Open(name, Flags, 0);
            while (file < 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
        }
        return file >= 0 ? file : throw Error(path);
    }

    private static int Fill(int file, Span<byte> bytes, FilePath path)
    {
        int length = 0;
        fixed (byte* target = bytes)
        {
            while (length < bytes.Length)
            {
                nint count = LibC.Read(file, target + length, (nuint)(bytes.Length - length));
                if (count == 0) break;
                if (count > 0) length += (int)count;
                else if (Marshal.GetLastPInvokeError() != LibC.Interrupted) throw Error(path);
            }
        }
        return length;
    }

    private static Exception Error(FilePath path)
    {
        int error = Marshal.GetLastPInvokeError();
        UnreadableFileException unreadable = UnreadableFileException.Of(path, error);
        return IsOfTheFile(error) ? unreadable : new IOException(unreadable.Message);
    }

    private static bool IsOfTheFile(int error) => error
        is LibC.NotPermitted or LibC.NoEntry or LibC.InputOutput
        or LibC.NoDeviceOrAddress or LibC.AccessDenied or LibC.NoDevice or LibC.NotAFolder
        or LibC.NameTooLong or LibC.TooManyLinks or LibC.BadMessage or LibC.NeedsCleaning;
}
