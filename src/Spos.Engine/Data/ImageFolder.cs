using System.Collections.Immutable;

namespace Spos.Engine.Data;

/// <summary>
/// A data set in ImageNet's layout: a folder of class folders of JPEGs (nested as they like). Classes are numbered in
/// the ordinal order of their names, samples in the ordinal order of their paths.
/// </summary>
public sealed class ImageFolder
{
    private ImageFolder(string root, ImmutableArray<string> classes, ImmutableArray<Sample> samples)
    {
        Root = root;
        Classes = classes;
        Samples = samples;
    }

    /// <summary>One picture and its class.</summary>
    public readonly record struct Sample(string Path, int Label);

    public string Root { get; }

    public ImmutableArray<string> Classes { get; }

    public ImmutableArray<Sample> Samples { get; }

    /// <exception cref="DataException">No folder, no classes, or a class without JPEGs.</exception>
    public static ImageFolder Open(string root)
    {
        if (!Directory.Exists(root)) throw new DataException($"{root}: no such folder. A data set has the folders train and val, each with one folder of JPEGs per class.");
        string[] classes = [.. Directory.GetDirectories(root).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];
        if (classes.Length == 0) throw new DataException($"{root}: no class folders. There must be one folder of JPEGs per class.");
        var samples = ImmutableArray.CreateBuilder<Sample>();
        for (int label = 0; label < classes.Length; label++)
        {
            string[] files = [.. Directory.EnumerateFiles(Path.Combine(root, classes[label]), "*", SearchOption.AllDirectories).Where(IsJpeg).Order(StringComparer.Ordinal)];
            if (files.Length == 0) throw new DataException($"{Path.Combine(root, classes[label])}: this class has no .jpg or .jpeg files. Add some, or remove the folder.");
            samples.AddRange(files.Select(f => new Sample(f, label)));
        }
        return new ImageFolder(root, [.. classes], samples.ToImmutable());
    }

    /// <summary>The samples of these numbers as a data set of its own, with the same classes.</summary>
    public ImageFolder Subset(IEnumerable<int> indices) => new(Root, Classes, [.. indices.Select(i => Samples[i])]);

    private static bool IsJpeg(string path) =>
        Path.GetExtension(path) is var extension &&
        (extension.Equals(".jpg", StringComparison.OrdinalIgnoreCase) || extension.Equals(".jpeg", StringComparison.OrdinalIgnoreCase));
}
