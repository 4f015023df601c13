using System.Text;

namespace Spos.Engine.Data;

/// <summary>The kinds of files that are read as pictures.</summary>
internal enum PictureFormat
{
    /// <summary>None of them.</summary>
    None,
    Jpeg,
    Png,
    Gif,
    Bmp,
    WebP,
}

/// <summary>Tells what a file is by its first bytes; names mean nothing.</summary>
internal static class FileContent
{
    // A text may begin with a byte order mark and blanks.
    private const int TextBytes = 256;

    private static readonly (byte[] Start, PictureFormat Format)[] Pictures =
        [
            ([0xFF, 0xD8, 0xFF], PictureFormat.Jpeg),
            ([0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n'], PictureFormat.Png),
            ([.. "GIF87a"u8], PictureFormat.Gif),
            ([.. "GIF89a"u8], PictureFormat.Gif),
            ([.. "BM"u8], PictureFormat.Bmp),
        ];

    private static readonly (int At, byte[] Bytes, string What)[] Others =
        [
            (0, [.. "II*\0"u8], "a TIFF picture"),
            (0, [.. "MM\0*"u8], "a TIFF picture"),
            (0, [0, 0, 0, 12, .. "jP  "u8], "a JPEG 2000 picture"),
            (0, [0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 picture"),
            (0, [0xFF, 0x0A], "a JPEG XL picture"),
            (0, [0, 0, 0, 12, .. "JXL "u8], "a JPEG XL picture"),
            (4, [.. "ftypavif"u8], "an AVIF picture"),
            (4, [.. "ftyphei"u8], "a HEIC picture"),
            (4, [.. "ftypmif1"u8], "a HEIC picture"),
            (4, [.. "ftyp"u8], "a video"),
            (0, [.. "8BPS"u8], "a Photoshop file"),
            (0, [0, 0, 1, 0], "an icon"),
            (0, [.. "P4"u8], "a PBM picture"),
            (0, [.. "P5"u8], "a PGM picture"),
            (0, [.. "P6"u8], "a PPM picture"),
            (0, [.. "%PDF"u8], "a PDF document"),
            (0, [0x1F, 0x8B], "a gzip archive"),
            (0, [.. "PK"u8, 3, 4], "a zip archive"),
            (257, [.. "ustar"u8], "a tar archive"),
            (0, [.. "RIFF"u8], "a RIFF file, but no WebP picture"),
            (0, [0xFF, 0xD8], "a damaged JPEG"),
        ];

    private static readonly (string Start, string What)[] Texts =
        [
            ("<!doctype html", "an HTML page"),
            ("<html", "an HTML page"),
            ("<svg", "an SVG drawing"),
            ("<?xml", "an XML document"),
            ("version https://git-lfs", "a pointer of git-lfs (git lfs pull gets the file itself)"),
        ];

    public static PictureFormat FormatOf(ReadOnlySpan<byte> file)
    {
        foreach ((byte[] start, PictureFormat format) in Pictures)
        {
            if (file.StartsWith(start)) return format;
        }
        return file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8) ? PictureFormat.WebP : PictureFormat.None;
    }

    /// <summary>What a file is that is no picture, in words: "an HTML page".</summary>
    public static string Describe(ReadOnlySpan<byte> file)
    {
        if (file.IsEmpty) return "an empty file";
        if (file.IndexOfAnyExcept((byte)0) < 0) return "nothing but zeros";
        foreach ((int at, byte[] bytes, string what) in Others)
        {
            if (file.Length > at && file[at..].StartsWith(bytes)) return what;
        }
        ReadOnlySpan<byte> start = file[..Math.Min(file.Length, TextBytes)];
        string text = Encoding.Latin1.GetString(start.StartsWith(Encoding.UTF8.Preamble) ? start[3..] : start).TrimStart();
        foreach ((string beginning, string what) in Texts)
        {
            if (text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)) return what;
        }
        return start.ContainsAnyInRange((byte)0, (byte)8) ? "data of an unknown format" : "a text";
    }
}
