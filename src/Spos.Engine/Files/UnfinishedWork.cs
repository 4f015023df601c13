using System.Collections.Concurrent;

namespace Spos.Engine.Files;

/// <summary>
/// The files and folders that are being written beside what they will replace, so that a program that ends at once can remove them, and
/// with them the folders that were made to hold them.
/// </summary>
public static class UnfinishedWork
{
    private const int MostTries = 20;

    private static readonly ConcurrentDictionary<string, string[]> Paths = new();

    /// <summary>Removes all of them, as well as it can.</summary>
    public static void Remove()
    {
        foreach (string path in Paths.Keys) Discard(path);
    }

    /// <summary>Removes one, as well as it can: why the work failed matters more than what is left of it.</summary>
    internal static void Discard(string path)
    {
        // Another thread may still be writing into a folder: then it is not empty where it was.
        for (int tries = 0; tries < MostTries; tries++)
        {
            try
            {
                if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
                else if (File.Exists(path)) File.Delete(path);
                // Not recursively: they are empty, or somebody else uses them by now.
                foreach (string above in Paths.GetValueOrDefault(path, []).Where(Directory.Exists)) Directory.Delete(above);
                return;
            }
            catch (Exception error) when (WriteException.Tells(error))
            {
                // The next run in the folder tries again.
            }
        }
    }

    /// <param name="path">What is to be written, and is not there yet; nor need the folders that it lies in be.</param>
    internal static void Begin(string path) => Paths[path] = [.. NewFoldersAbove(path)];

    internal static void End(string path) => Paths.TryRemove(path, out _);

    // The innermost first.
    private static IEnumerable<string> NewFoldersAbove(string path)
    {
        for (string? above = Path.GetDirectoryName(path); above != null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
        {
            yield return above;
        }
    }
}
