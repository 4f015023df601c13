using System.Text;
using Spos.Engine.Files;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>Makes a data set of train and val from pictures that are only in folders of classes.</summary>
public static class SplitFolder
{
    /// <summary>Pictures that a class needs: one goes to val, one is held out for the search, and one is trained on.</summary>
    public const int LeastOfClass = 3;

    /// <summary>The share of each class that goes to val.</summary>
    public const float ValShare = 0.2f;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Writes a folder with train and val. It holds further names of the same files (hard links), which take no room, or copies where the
    /// file system has no such names. Which pictures go to val depends on their names alone.
    /// </summary>
    /// <param name="target">Is not there, or empty.</param>
    /// <param name="warn">Told of files that cannot be read, such as links that lead nowhere; they are left out.</param>
    /// <returns>Pictures that were copied.</returns>
    /// <exception cref="DataException">A class is too small to be divided, or a file's name cannot be written.</exception>
    /// <exception cref="WriteException">It could not be written; nothing is left of it.</exception>
    public static int Write(ImageFolder all, string target, Action<string> warn)
    {
        foreach (IGrouping<int, ImageFolder.Sample> one in all.Samples.GroupBy(sample => sample.Label))
        {
            if (one.Count() >= LeastOfClass) continue;
            string count = one.Count() == 1 ? "one picture" : $"{one.Count()} pictures";
            throw new DataException(
                $"{Path.Combine(all.Root, all.Classes[one.Key])}: a class of {count} cannot be divided. Add some, so that there are "
                + $"{LeastOfClass} at least, or remove the folder.");
        }
        (ImageFolder train, ImageFolder val) = HeldOutSplit.Divide(all, ValShare);
        int copied = 0;
        AtomicFolder.Write(target, folder =>
        {
            foreach ((string split, ImageFolder part) in new[] { ("train", train), ("val", val) })
            {
                foreach (ImageFolder.Sample sample in part.Samples)
                {
                    string to = Path.Combine(folder, split, NameIn(all.Root, sample.Path));
                    Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                    if (LibC.TryLink(sample.Path, FilePath.Of(to))) continue;
                    try
                    {
                        File.WriteAllBytes(to, PictureReader.FileOf(sample.Path));
                        copied++;
                    }
                    catch (UnreadableFileException error)
                    {
                        warn($"{error.Message} It is left out.");
                    }
                }
            }
        });
        return copied;
    }

    // The path below the data set's folder.
    private static string NameIn(string root, FilePath path)
    {
        try
        {
            return Utf8.GetString(path.Bytes[FilePath.Of(root).Bytes.Length..]).TrimStart('/');
        }
        catch (DecoderFallbackException)
        {
            throw new DataException($"{path}: this name is not in UTF-8. Rename it.");
        }
    }
}
