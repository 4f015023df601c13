namespace Spos.Engine.Files;

/// <summary>Writes files that are either whole or not there: beside, synced, renamed.</summary>
public static class AtomicFile
{
    private const string Ending = ".tmp";

    /// <summary>Removes what a killed program left half-written in a folder that nobody else writes to.</summary>
    public static void RemoveLeftovers(string folder)
    {
        foreach (string file in Directory.GetFiles(folder, $".*{Ending}")) File.Delete(file);
    }

    /// <summary>Replaces <paramref name="path"/> by what <paramref name="write"/> writes.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}{Ending}");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Replaces <paramref name="path"/> by a text.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
