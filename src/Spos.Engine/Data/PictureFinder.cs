using System.Text;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// Finds the pictures below one folder, in folders of folders and over links. Each folder is read once, however many links lead
/// to it, and none that is above the data set: links that lead in a circle end nowhere else.
/// </summary>
/// <param name="above">The data set's folder and those above it.</param>
internal sealed class PictureFinder(IEnumerable<FileStatus> above)
{
    // What systems keep beside people's files, besides names that begin with a dot.
    private static readonly HashSet<string> Companions = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information",
    };

    private static readonly int LongestCompanion = Companions.Max(name => name.Length);

    private readonly HashSet<(uint, uint, ulong)> _read = [.. above.Select(f => f.Id)];
    private readonly List<(FilePath Path, long Size)> _pictures = [];

    /// <summary>What is not a picture, and why.</summary>
    public PassedOver PassedOver { get; } = new();

    /// <summary>The pictures' paths in order, and their bytes; -1 where the system does not tell.</summary>
    /// <exception cref="UnreadableFileException">A folder cannot be read.</exception>
    public IReadOnlyList<(FilePath Path, long Size)> Find(FilePath folder)
    {
        if (FileStatus.Of(folder) is { } status) _read.Add(status.Id);
        Search(folder);
        _pictures.Sort((a, b) => a.Path.CompareTo(b.Path));
        return _pictures;
    }

    /// <summary>The folders directly in a folder, in order.</summary>
    /// <exception cref="UnreadableFileException">The folder cannot be read.</exception>
    public IReadOnlyList<FilePath> FindClasses(FilePath root)
    {
        var classes = new List<FilePath>();
        foreach (FolderEntry entry in FolderListing.Of(root))
        {
            if (IsHidden(entry.Name))
            {
                PassedOver.Add(PassOver.Hidden, entry.Name);
            }
            else if (entry.Kind is FileKind.Regular or FileKind.Special
                || FileStatus.Of(root.Join(entry.Name)) is not { Kind: FileKind.Folder } status)
            {
                continue;
            }
            else if (_read.Contains(status.Id))
            {
                PassedOver.Add(PassOver.Linked, entry.Name);
            }
            else
            {
                classes.Add(entry.Name);
            }
        }
        return classes;
    }

    private void Search(FilePath folder)
    {
        foreach (FolderEntry entry in FolderListing.Of(folder))
        {
            if (IsHidden(entry.Name))
            {
                PassedOver.Add(PassOver.Hidden, entry.Name);
                continue;
            }
            bool picture = PictureNames.IsRead(entry.Name);
            // What is told by the name and the listing needs no look at the file.
            if (entry.Kind is FileKind.Regular or FileKind.Special && !picture)
            {
                if (PictureNames.IsNotRead(entry.Name)) PassedOver.Add(PassOver.Format, entry.Name);
                continue;
            }
            Take(entry.Name, folder.Join(entry.Name), picture);
        }
    }

    private void Take(FilePath name, FilePath path, bool picture)
    {
        FileStatus? status = FileStatus.Of(path);
        switch (status?.Kind)
        {
            case FileKind.Folder when _read.Add(status.Value.Id):
                Search(path);
                break;
            case FileKind.Folder:
                PassedOver.Add(PassOver.Linked, name);
                break;
            case FileKind.Special when picture:
                PassedOver.Add(PassOver.Special, name);
                break;
            // A link to nothing too: it is told of when it is to be decoded.
            case FileKind.Regular or null when picture:
                _pictures.Add((path, status?.Size ?? -1));
                break;
            case FileKind.Regular when PictureNames.IsNotRead(name):
                PassedOver.Add(PassOver.Format, name);
                break;
        }
    }

    private static bool IsHidden(FilePath name) =>
        name.Bytes[0] == (byte)'.' || (name.Bytes.Length <= LongestCompanion && Companions.Contains(Encoding.Latin1.GetString(name.Bytes)));
}
