using System.Text;

namespace Spos.Cli.Options;

/// <summary>What an option's path names.</summary>
internal enum PathKind
{
    File,
    Folder,

    /// <summary>Either of them.</summary>
    Any,
}

/// <summary>The path of a file or folder.</summary>
internal abstract class PathRule : ValueRule
{
    // What Linux takes.
    private const int MostBytes = 4095, MostBytesOfName = 255;

    public abstract PathKind Kind { get; }

    public override string In(string folder, string text) => Path.Combine(folder, text);

    /// <exception cref="FormatException">No file can have that path.</exception>
    protected static void CheckText(string path)
    {
        TextAttribute.Checked(path);
        if (Encoding.UTF8.GetByteCount(path) > MostBytes || path.Split('/').Any(name => Encoding.UTF8.GetByteCount(name) > MostBytesOfName))
        {
            throw new FormatException($"this path is too long: a name has at most {MostBytesOfName} bytes, a path {MostBytes}.");
        }
        // .NET reads arguments as UTF-8 and puts U+FFFD where they are not.
        if (path.Contains('\uFFFD', StringComparison.Ordinal) && !Path.Exists(path))
        {
            throw new FormatException("this path is not in UTF-8. Name the file by a link whose name is.");
        }
    }
}
