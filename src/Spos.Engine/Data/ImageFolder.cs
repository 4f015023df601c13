using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// A data set in ImageNet's layout: a folder of class folders of pictures (nested as they like). Classes are numbered in the
/// order of their names, samples in the order of their paths, both by code points, as Python sorts them. Hidden files and folders,
/// and what is no regular file, are no part of it. Or pictures that are named, without classes (<see cref="OfPictures"/>).
/// </summary>
public sealed class ImageFolder
{
    /// <summary>A file of more bytes is no picture: memory is bounded by it.</summary>
    public const int MostPictureBytes = 1 << 28;

    // Folders listed at once. On file systems over a network most of the time is spent waiting.
    private const int Listers = 8;

    private ImageFolder(
        string root, ImmutableArray<string> classes, ImmutableArray<Sample> samples, DataSetIdentity identity,
        ImmutableArray<string> remarks) =>
        (Root, Classes, Samples, Identity, Remarks) = (root, classes, samples, identity, remarks);

    /// <summary>One picture and its class.</summary>
    /// <param name="Number">Its place in the whole data set, also where it is a part of a subset.</param>
    public readonly record struct Sample(FilePath Path, int Label, int Number);

    public string Root { get; }

    /// <summary>The classes' names, as <see cref="FilePath.ToString"/> writes them.</summary>
    public ImmutableArray<string> Classes { get; }

    public ImmutableArray<Sample> Samples { get; }

    /// <summary>What tells the folder from another one; of a subset, that of the whole.</summary>
    public DataSetIdentity Identity { get; }

    /// <summary>Lines for the user on what in the folder is passed over.</summary>
    public ImmutableArray<string> Remarks { get; }

    /// <summary>Where decoded pictures are read from, as far as they are there; of a subset, that of the whole. Null for none.</summary>
    public PictureCache? Cache { get; private init; }

    /// <exception cref="DataException">No folder, no classes, or a class without pictures.</exception>
    public static ImageFolder Open(string root)
    {
        // The system takes a name to end at its first zero.
        if (root.Contains('\0') || !Directory.Exists(root))
        {
            throw new DataException(
                $"{root}: no such folder. A data set has the folders train and val, each with one folder of pictures per class.");
        }
        try
        {
            return Read(root);
        }
        catch (UnreadableFileException error)
        {
            throw new DataException($"{error.Message} A data set's folders must be readable.");
        }
    }

    /// <summary>
    /// Pictures that are named, and those in folders that are, of no classes: a sample's label is its place. A file is a picture whatever
    /// its name; of a folder those files are that are named so.
    /// </summary>
    /// <exception cref="DataException">One is not there, or a folder has no pictures.</exception>
    public static ImageFolder OfPictures(IReadOnlyList<string> names)
    {
        ArgumentOutOfRangeException.ThrowIfZero(names.Count);
        var found = new List<FilePath>();
        var remarks = new List<string>();
        foreach (string name in names) found.AddRange(PicturesAt(name, remarks));
        string root = names.Count == 1 ? names[0] : $"{names[0]} and {names.Count - 1} more";
        return new ImageFolder(
            root, [], [.. found.Select((path, number) => new Sample(path, number, number))], new DataSetIdentity([], ""), [.. remarks]);
    }

    /// <summary>The samples of these numbers as a data set of its own, with the same classes.</summary>
    public ImageFolder Subset(IEnumerable<int> indices) => new(Root, Classes, [.. indices.Select(i => Samples[i])], Identity, Remarks)
    {
        Cache = Cache,
    };

    /// <summary>The same pictures, which are read from a cache of theirs as far as they are there.</summary>
    public ImageFolder ReadFrom(PictureCache cache) => new(Root, Classes, Samples, Identity, Remarks) { Cache = cache };

    /// <summary>Whether a folder, which need not be there yet, lies in this one. Links are followed.</summary>
    public bool Holds(string folder)
    {
        string there = Path.GetFullPath(folder);
        while (!Directory.Exists(there)) there = Path.GetDirectoryName(there)!;
        return FileStatus.Of(FilePath.Of(Root)) is { } own && Array.Exists(Above(FilePath.Of(there)), above => above.Id == own.Id);
    }

    private static ImageFolder Read(string root)
    {
        FilePath folder = FilePath.Of(root);
        FileStatus[] above = Above(folder);
        var finder = new PictureFinder(above);
        IReadOnlyList<FilePath> classes = finder.FindClasses(folder);
        if (classes.Count == 0) throw new DataException($"{root}: no class folders. There must be one folder of pictures per class.");
        var found = new ClassFolder[classes.Count];
        var failures = new ExceptionDispatchInfo?[classes.Count];
        Parallel.For(0, classes.Count, new ParallelOptions { MaxDegreeOfParallelism = Listers }, i =>
        {
            try
            {
                found[i] = ClassFolder.Read(folder, classes[i], above);
            }
            catch (SposException error)
            {
                failures[i] = ExceptionDispatchInfo.Capture(error);
            }
        });
        failures.FirstOrDefault(f => f != null)?.Throw();
        foreach (ClassFolder one in found) finder.PassedOver.Add(one.PassedOver);
        return new ImageFolder(
            root,
            [.. found.Select(c => c.Identity.Name)],
            [
                .. found.SelectMany((c, label) => c.Pictures.Select(p => (p.Path, label)))
                    .Select((p, number) => new Sample(p.Path, p.label, number)),
            ],
            IdentityOf(found),
            [.. finder.PassedOver.Lines(root)]);
    }

    private static IEnumerable<FilePath> PicturesAt(string name, List<string> remarks)
    {
        FilePath path = FilePath.Of(name);
        // The system takes a name to end at its first zero.
        FileKind? kind = name.Contains('\0', StringComparison.Ordinal) ? null : FileStatus.Of(path)?.Kind;
        if (kind == null) throw new DataException($"{path}: no such file or folder.");
        if (kind != FileKind.Folder) return [path];
        var finder = new PictureFinder(Above(path));
        try
        {
            IReadOnlyList<(FilePath Path, long Size)> pictures = finder.Find(path);
            string[] passed = [.. finder.PassedOver.Lines(path.ToString())];
            if (pictures.Count == 0)
            {
                throw new DataException(
                    $"{path}: no pictures there ({PictureNames.Endings}).{string.Concat(passed.Select(line => $" {line}"))}");
            }
            remarks.AddRange(passed);
            return pictures.Select(picture => picture.Path);
        }
        catch (UnreadableFileException error)
        {
            throw new DataException($"{error.Message} Its pictures cannot be found.");
        }
    }

    // The folder and those above it, up to the root of the file system, which is its own parent.
    private static FileStatus[] Above(FilePath folder)
    {
        var found = new List<FileStatus>();
        while (FileStatus.Of(folder) is { } status && (found.Count == 0 || status.Id != found[^1].Id))
        {
            found.Add(status);
            folder = folder.Join(FilePath.Of(".."));
        }
        return [.. found];
    }

    private static DataSetIdentity IdentityOf(ClassFolder[] classes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ClassFolder one in classes)
        {
            hash.AppendData(one.Name.Terminated);
            hash.AppendData(one.Digest);
        }
        return new DataSetIdentity([.. classes.Select(c => c.Identity)], Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private sealed record ClassFolder(
        FilePath Name, IReadOnlyList<(FilePath Path, long Size)> Pictures, byte[] Digest, PassedOver PassedOver)
    {
        // To name the class that changed, a part of the digest does.
        private const int ShortDigest = 8;

        public ClassIdentity Identity { get; } = new(
            Name.ToString(), Pictures.Count, Convert.ToHexStringLower(Digest.AsSpan(0, ShortDigest)));

        public static ClassFolder Read(FilePath root, FilePath name, FileStatus[] above)
        {
            FilePath folder = root.Join(name);
            var finder = new PictureFinder(above);
            IReadOnlyList<(FilePath Path, long Size)> pictures = finder.Find(folder);
            if (pictures.Count > 0) return new ClassFolder(name, pictures, DigestOf(pictures, folder.Bytes.Length + 1), finder.PassedOver);
            string passed = string.Concat(finder.PassedOver.Lines(folder.ToString()).Select(line => $" {line}"));
            throw new DataException(
                $"{folder}: this class has no pictures ({PictureNames.Endings}). Add some, or remove the folder.{passed}");
        }

        private static byte[] DigestOf(IReadOnlyList<(FilePath Path, long Size)> pictures, int skipped)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> end = stackalloc byte[1 + sizeof(long)];
            end[0] = 0;
            foreach ((FilePath path, long size) in pictures)
            {
                hash.AppendData(path.Bytes[skipped..]);
                BinaryPrimitives.WriteInt64LittleEndian(end[1..], size);
                hash.AppendData(end);
            }
            return hash.GetHashAndReset();
        }
    }
}
