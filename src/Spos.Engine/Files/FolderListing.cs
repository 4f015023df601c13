using System.Runtime.InteropServices;

namespace Spos.Engine.Files;

/// <summary>A name in a folder, and what the folder's listing says it stands for.</summary>
internal readonly record struct FolderEntry(FilePath Name, FileKind Kind);

/// <summary>Lists folders, whatever the bytes of the names in them.</summary>
internal static unsafe class FolderListing
{
    // struct dirent of 64-bit Linux.
    private const int KindOffset = 18, NameOffset = 19;

    /// <summary>The entries in order, without "." and "..".</summary>
    /// <exception cref="UnreadableFileException">It is no folder, or may not be read.</exception>
    public static List<FolderEntry> Of(FilePath folder)
    {
        nint stream;
        fixed (byte* path = folder.Terminated) stream = LibC.OpenFolder(path);
        if (stream == 0) throw UnreadableFileException.Of(folder, Marshal.GetLastPInvokeError());
        try
        {
            var entries = new List<FolderEntry>();
            byte* entry;
            while ((entry = LibC.ReadFolder(stream)) != null)
            {
                ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameOffset);
                if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) continue;
                entries.Add(new FolderEntry(new FilePath(name), KindOf(entry[KindOffset])));
            }
            int error = Marshal.GetLastPInvokeError();
            if (error != 0) throw UnreadableFileException.Of(folder, error);
            entries.Sort((a, b) => a.Name.CompareTo(b.Name));
            return entries;
        }
        finally
        {
            _ = LibC.CloseFolder(stream);
        }
    }

    // DT_FIFO, DT_CHR, DT_DIR, DT_BLK, DT_REG, DT_LNK, DT_SOCK
    private static FileKind KindOf(byte type) => type switch
    {
        1 or 2 or 6 or 12 => FileKind.Special,
        4 => FileKind.Folder,
        8 => FileKind.Regular,
        _ => FileKind.Unknown,
    };
}
