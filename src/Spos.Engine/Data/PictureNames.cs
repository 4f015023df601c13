using System.Text;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>What the ending of a file's name promises. What a picture is, its content says when it is decoded.</summary>
internal static class PictureNames
{
    /// <summary>The usual endings, for messages.</summary>
    public const string Endings = ".jpg, .png, .webp, .bmp, .gif";

    private static readonly HashSet<string> Read =
        new(StringComparer.OrdinalIgnoreCase) { "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif" };

    // Formats that people have pictures in, and expect to see.
    private static readonly HashSet<string> NotRead = new(StringComparer.OrdinalIgnoreCase)
    {
        "tif", "tiff", "heic", "heif", "avif", "jxl", "jp2", "j2k", "jpf", "jpx", "ppm", "pgm", "pbm", "pnm", "tga", "psd", "svg", "ico",
        "exr", "hdr", "pcx", "raw", "dng", "cr2", "cr3", "nef", "arw", "orf", "rw2",
    };

    /// <summary>Whether a file of this name is taken as a picture.</summary>
    public static bool IsRead(FilePath name) => Read.Contains(EndingOf(name));

    /// <summary>Whether a file of this name is a picture of a format that cannot be decoded.</summary>
    public static bool IsNotRead(FilePath name) => NotRead.Contains(EndingOf(name));

    private static string EndingOf(FilePath name) =>
        name.Bytes.LastIndexOf((byte)'.') is >= 0 and int dot ? Encoding.Latin1.GetString(name.Bytes[(dot + 1)..]) : "";
}
