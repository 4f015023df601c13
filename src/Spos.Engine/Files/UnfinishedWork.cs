using System.Collections.Concurrent;

namespace Spos.Engine.Files;

/// <summary>
/// The files and folders that are being written beside what they will replace, so that a program that ends at once can remove them.
/// </summary>
public static class UnfinishedWork
{
    private const int MostTries = 20;

    private static readonly ConcurrentDictionary<string, bool> Paths = new();

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
                return;
            }
            catch (Exception error) when (WriteException.Tells(error))
            {
                // The next run in the folder tries again.
            }
        }
    }

    internal static void Begin(string path) => Paths[path] = true;

    internal static void End(string path) => Paths.TryRemove(path, out _);
}
