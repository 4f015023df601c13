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
            if (NameBeside().Match(Path.GetFileName(file)) is { Success: true } match && owns(match.Groups[1].Value)) File.Delete(file);
        }
    }

    /// <summary>Replaces <paramref name="path"/> by what <paramref name="write"/> writes.</summary>
    /// <exception cref="WriteException">It could not be written; what was there before is as it was.</exception>
    public static void Write(string path, Action<Stream> write) => WriteTogether((path, write));

    /// <summary>Replaces files that belong together: all are written beside before the first one is renamed.</summary>
    /// <param name="files">The path of each, and what writes it. They are renamed in this order.</param>
    /// <exception cref="WriteException">
    /// One could not be written: then what was there before is as it was. Or one could not be renamed: then only those before it are
    /// replaced.
    /// </exception>
    public static void WriteTogether(params ReadOnlySpan<(string Path, Action<Stream> Write)> files)
    {
        string[] temporaries = [.. files.ToArray().Select(file => Beside(file.Path))];
        foreach (string temporary in temporaries) UnfinishedWork.Begin(temporary);
        string path = files[0].Path;
        try
        {
            for (int i = 0; i < files.Length; i++)
            {
                path = files[i].Path;
                Directory.CreateDirectory(Path.GetDirectoryName(temporaries[i])!);
                using var stream = new FileStream(temporaries[i], FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
                files[i].Write(stream);
                stream.Flush(flushToDisk: true);
            }
            for (int i = 0; i < files.Length; i++)
            {
                path = files[i].Path;
                File.Move(temporaries[i], path, overwrite: true);
            }
        }
        catch (Exception error)
        {
            foreach (string temporary in temporaries) UnfinishedWork.Discard(temporary);
            if (WriteException.Tells(error)) throw WriteException.Of(path, error);
            throw;
        }
        finally
        {
            foreach (string temporary in temporaries) UnfinishedWork.End(temporary);
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

    private static string Beside(string path) => Path.Combine(
        Path.GetDirectoryName(Path.GetFullPath(path))!,
        $".{Path.GetFileName(path)}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}{Ending}");

    [GeneratedRegex(@"^\.(.+)\.\d+-\d+\.tmp$")]
    private static partial Regex NameBeside();
}
