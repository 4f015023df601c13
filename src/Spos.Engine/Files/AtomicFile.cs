using System.Text.RegularExpressions;

namespace Spos.Engine.Files;

/// <summary>Writes files that are either whole or not there: beside, synced, renamed.</summary>
public static partial class AtomicFile
{
    private const string Ending = ".tmp";

    /// <summary>Removes what a killed program left half-written in a folder that nobody else writes to.</summary>
    /// <param name="owns">Tells from a file's name whether the caller writes such files: others' are left alone.</param>
    public static void RemoveLeftovers(string folder, Func<string, bool> owns)
    {
        foreach (string file in Directory.GetFiles(folder, $".*{Ending}"))
        {
            if (Beside().Match(Path.GetFileName(file)) is { Success: true } match && owns(match.Groups[1].Value)) File.Delete(file);
        }
    }

    /// <summary>Replaces <paramref name="path"/> by what <paramref name="write"/> writes.</summary>
    /// <exception cref="WriteException">It could not be written; what was there before is as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}{Ending}");
        UnfinishedWork.Begin(temporary);
        try
        {
            Directory.CreateDirectory(folder);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error)
        {
            UnfinishedWork.Discard(temporary);
            if (WriteException.Tells(error)) throw WriteException.Of(path, error);
            throw;
        }
        finally
        {
            UnfinishedWork.End(temporary);
        }
    }

    /// <summary>Replaces <paramref name="path"/> by a text.</summary>
    /// <exception cref="WriteException">It could not be written; what was there before is as it was.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Adds a text to the end of a file that grows, a log.</summary>
    /// <exception cref="WriteException">It could not be written; a part of the text may be.</exception>
    public static void Append(string path, string text)
    {
        try
        {
            File.AppendAllText(path, text);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(path, error);
        }
    }

    [GeneratedRegex(@"^\.(.+)\.\d+-\d+\.tmp$")]
    private static partial Regex Beside();
}
