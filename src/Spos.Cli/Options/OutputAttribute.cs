using Spos.Engine.Files;

namespace Spos.Cli.Options;

/// <summary>The path of a file or folder to write, which may be there or not.</summary>
internal sealed class OutputAttribute(PathKind kind) : PathRule
{
    // Where the system shows itself as files. Renaming a new file over a device would replace the device.
    private static readonly string[] OfSystem = ["/proc", "/sys", "/dev"];

    private const string SharedMemory = "/dev/shm";

    /// <summary>Whether what is there may be used as it is, so that nothing need be written to it.</summary>
    public bool MayBeReadOnly { get; init; }

    public override PathKind Kind => kind;

    public override string Read(string text, Type type)
    {
        CheckText(text);
        string path = Path.GetFullPath(text);
        if (Directory.Exists(path) || path.EndsWith('/'))
        {
            if (kind == PathKind.File) throw new FormatException("this is a folder; the name of a file is needed.");
        }
        else if (Path.Exists(path) && kind == PathKind.Folder)
        {
            throw new FormatException("this is a file; a folder is needed.");
        }
        string real = Resolved(path);
        if (!IsWithin(real, SharedMemory) && OfSystem.FirstOrDefault(folder => IsWithin(real, folder)) is { } system)
        {
            throw new FormatException($"{system} is the system's: results cannot be kept there.");
        }
        for (string? above = kind == PathKind.Folder ? path : Path.GetDirectoryName(path);
            above != null;
            above = Path.GetDirectoryName(above))
        {
            if (File.Exists(above)) throw new FormatException($"{above} is a file, not a folder.");
            if (!Directory.Exists(above)) continue;
            bool used = MayBeReadOnly && above == path;
            if (!used && !WriteAccess.IsGiven(above)) throw new FormatException($"you may not write to {above}.");
            break;
        }
        // As completed by shells, a folder ends with a slash.
        return Path.TrimEndingDirectorySeparator(text);
    }

    private static bool IsWithin(string path, string folder) => path == folder || path.StartsWith($"{folder}/", StringComparison.Ordinal);

    // Where a link leads to.
    private static string Resolved(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }
}
