using Spos.Engine.Files;

namespace Spos.Runs.Reading;

/// <summary>A file as it was when it was looked at: the same stamp, the same content.</summary>
internal readonly record struct FileStamp((uint, uint, ulong) Id, long Size, DateTime Written);

/// <summary>
/// The files of a run's folder, which lies in the folder that is shown. Links are never followed, so that nothing outside of that folder
/// is read, whatever a run's folder was filled with.
/// </summary>
internal sealed class OwnFiles(string root, string relative)
{
    /// <summary>The run's folder.</summary>
    public string Folder { get; } = Path.Combine(root, relative);

    /// <summary>The file's path and stamp; null if there is none, or if it, or a folder on the way, is a link or no regular file.</summary>
    public (string Path, FileStamp Stamp)? Find(string name)
    {
        if (LeadsOut()) return null;
        string path = Path.Combine(Folder, name);
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.LinkTarget != null) return null;
            return FileStatus.Of(FilePath.Of(path)) is { Kind: FileKind.Regular } status
                ? (path, new FileStamp(status.Id, status.Size, file.LastWriteTimeUtc))
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads JSON; null if there is none.</summary>
    /// <param name="trouble">Why there is none, if the file is there.</param>
    public T? Read<T>(string name, int mostBytes, out string? trouble)
        where T : class
    {
        trouble = null;
        if (Find(name) is not var (path, _)) return null;
        try
        {
            return JsonFile.Read<T>(path, mostBytes);
        }
        catch (FormatException error)
        {
            trouble = $"{name} is damaged: {error.Message}";
        }
        catch (UnreadableFileException error)
        {
            trouble = $"{name} cannot be read: {error.Reason}";
        }
        catch (Exception error) when (error is IOException or NotSupportedException)
        {
            trouble = $"{name} cannot be read: {error.Message}";
        }
        return null;
    }

    private bool LeadsOut()
    {
        for (string folder = Folder; folder.Length > root.Length; folder = Path.GetDirectoryName(folder)!)
        {
            if (new DirectoryInfo(folder) is not { Exists: true, LinkTarget: null }) return true;
        }
        return false;
    }
}
