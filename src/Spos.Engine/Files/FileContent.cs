using System.Buffers.Binary;
using System.Text;

namespace Spos.Engine.Files;

/// <summary>Tells what a file is by its first bytes; names mean nothing.</summary>
public static class FileContent
{
    /// <summary>How many of a file's first bytes are looked at: tar's mark is at 257.</summary>
    public const int HeadLength = 512;

    // A text may begin with a byte order mark and blanks.
    private const int TextBytes = 256;

    // As the reference implementation has it.
    private const long MostHeaderOfSafetensors = 100_000_000;

    // What each format is called in a message, and what it begins with. The first mark that fits counts, so weak ones come late.
    private static readonly Known[] Formats =
    [
        new(FileFormat.Jpeg, "a JPEG picture", "\u00ff\u00d8\u00ff"),
        new(FileFormat.Png, "a PNG picture", "\u0089PNG\r\n\u001a\n"),
        new(FileFormat.Gif, "a GIF picture", "GIF87a", "GIF89a"),
        new(FileFormat.SposCheckpoint, "a checkpoint of Spos", "SPOSCKPT"),
        new(FileFormat.EmptyZip, "an empty zip archive", "PK\u0005\u0006"),
        new(FileFormat.Zip, "a zip archive", "PK\u0003\u0004"),
        new(FileFormat.Tar, "a tar archive", "ustar") { At = 257 },
        new(FileFormat.Riff, "a RIFF file, but no WebP picture", "RIFF"),
        new(FileFormat.Tiff, "a TIFF picture", "II*\0", "MM\0*"),
        new(FileFormat.Jpeg2000, "a JPEG 2000 picture", "\0\0\0\u000cjP  ", "\u00ff\u004f\u00ff\u0051"),
        new(FileFormat.JpegXl, "a JPEG XL picture", "\0\0\0\u000cJXL ", "\u00ff\u000a"),
        new(FileFormat.Avif, "an AVIF picture", "ftypavif") { At = 4 },
        new(FileFormat.Heic, "a HEIC picture", "ftyphei", "ftypmif1") { At = 4 },
        new(FileFormat.Video, "a video", "ftyp") { At = 4 },
        new(FileFormat.Photoshop, "a Photoshop file", "8BPS"),
        new(FileFormat.Pdf, "a PDF document", "%PDF"),
        new(FileFormat.Xz, "an xz archive", "\u00fd7zXZ\0"),
        new(FileFormat.Zstd, "a zstd archive", "\u0028\u00b5\u002f\u00fd"),
        new(FileFormat.SevenZip, "a 7z archive", "7z\u00bc\u00af\u0027\u001c"),
        new(FileFormat.Rar, "a RAR archive", "Rar!"),
        new(FileFormat.NumpyArray, "an array of NumPy's (npy)", "\u0093NUMPY"),
        new(FileFormat.Hdf5, "an HDF5 file, as Keras writes them", "\u0089HDF"),
        new(FileFormat.Elf, "a program or library", "\u007fELF"),
        new(FileFormat.Icon, "an icon", "\0\0\u0001\0"),
        new(FileFormat.Bzip2, "a bzip2 archive", "BZh"),
        new(FileFormat.Gzip, "a gzip archive", "\u001f\u008b"),
        new(FileFormat.DamagedJpeg, "a damaged JPEG", "\u00ff\u00d8"),
        new(FileFormat.Pbm, "a PBM picture", "P4\n", "P4 "),
        new(FileFormat.Pgm, "a PGM picture", "P5\n", "P5 "),
        new(FileFormat.Ppm, "a PPM picture", "P6\n", "P6 "),
        new(FileFormat.Bmp, "a BMP picture", "BM"),
    ];

    private static readonly (FileFormat Format, string Words, string Start)[] Texts =
    [
        (FileFormat.Html, "an HTML page", "<!doctype"),
        (FileFormat.Html, "an HTML page", "<html"),
        (FileFormat.Svg, "an SVG drawing", "<svg"),
        (FileFormat.Xml, "an XML document", "<?xml"),
        (FileFormat.LfsPointer, "a pointer of git-lfs (git lfs pull gets the file itself)", "version https://git-lfs"),
    ];

    private static readonly Dictionary<FileFormat, string> Words = new(
    [
        .. Formats.Select(f => KeyValuePair.Create(f.Format, f.Words)),
        .. Texts.Select(t => KeyValuePair.Create(t.Format, t.Words)).DistinctBy(t => t.Key),
        new(FileFormat.Unknown, "data of an unknown format"),
        new(FileFormat.Empty, "an empty file"),
        new(FileFormat.Zeros, "nothing but zeros"),
        new(FileFormat.Text, "a text"),
        new(FileFormat.WebP, "a WebP picture"),
        new(FileFormat.TorchArchive, "a file of torch.save's"),
        new(FileFormat.TorchStream, "a file of torch.save's"),
        new(FileFormat.Safetensors, "a safetensors file"),
        new(FileFormat.Onnx, "an ONNX model"),
    ]);

    // torch.serialization.MAGIC_NUMBER, as protocols 1 and later write it.
    private static ReadOnlySpan<byte> TorchMagic => [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    /// <summary>What a file is.</summary>
    /// <param name="head">The file, or its first <see cref="HeadLength"/> bytes.</param>
    public static FileFormat Of(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty) return FileFormat.Empty;
        // A header's length may look like another format's mark.
        if (IsSafetensors(head)) return FileFormat.Safetensors;
        foreach (Known format in Formats)
        {
            if (format.Fits(head)) return Within(format.Format, head);
        }
        if (IsTorchStream(head)) return FileFormat.TorchStream;
        if (IsOnnx(head)) return FileFormat.Onnx;
        return head.ContainsAnyExcept((byte)0) ? OfText(head) : FileFormat.Zeros;
    }

    /// <summary>What a regular file is.</summary>
    /// <exception cref="UnreadableFileException">It cannot be read, or is no regular file.</exception>
    public static FileFormat OfFile(string path) => Of(RegularFile.ReadHead(FilePath.Of(path), HeadLength));

    /// <summary>A format in words: "an HTML page".</summary>
    public static string Describe(FileFormat format) => Words[format];

    /// <summary>The beginning of a file as text, without a byte order mark and blanks.</summary>
    internal static string TextOf(ReadOnlySpan<byte> head)
    {
        bool whole = head.Length <= TextBytes;
        ReadOnlySpan<byte> start = whole ? head : head[..TextBytes];
        string text = Encoding.UTF8.GetString(SmallFile.WithoutMark(start));
        // The last character may have been cut.
        return (whole ? text : text.TrimEnd('\ufffd')).TrimStart();
    }

    private static FileFormat Within(FileFormat format, ReadOnlySpan<byte> head) => format switch
    {
        FileFormat.Riff when head.Length > 8 && head[8..].StartsWith("WEBP"u8) => FileFormat.WebP,
        FileFormat.Zip when head[..Math.Min(head.Length, HeadLength)].IndexOf("data.pkl"u8) >= 0 => FileFormat.TorchArchive,
        _ => format,
    };

    // With a length that is not too large, and a JSON object.
    private static bool IsSafetensors(ReadOnlySpan<byte> head) =>
        head.Length > sizeof(long) && head[sizeof(long)] == '{'
        && BinaryPrimitives.ReadInt64LittleEndian(head) is > 1 and <= MostHeaderOfSafetensors;

    // With the magic number, as a pickle of any protocol writes it.
    private static bool IsTorchStream(ReadOnlySpan<byte> head) =>
        head.StartsWith("L119547037146038801333356L"u8)
        || (head is [0x80, ..] && head[..Math.Min(head.Length, 32)].IndexOf(TorchMagic) >= 0);

    // A message of protocol buffers that begins with a small IR version, then the producer's name or what follows it.
    private static bool IsOnnx(ReadOnlySpan<byte> head) => head is [0x08, > 0 and < 32, 0x12 or 0x1a or 0x22 or 0x32 or 0x3a or 0x42, ..];

    private static FileFormat OfText(ReadOnlySpan<byte> head)
    {
        string text = TextOf(head);
        foreach ((FileFormat format, _, string start) in Texts)
        {
            if (text.StartsWith(start, StringComparison.OrdinalIgnoreCase)) return format;
        }
        bool plain = !text.Contains('\ufffd', StringComparison.Ordinal) && !Shown.HasControls(text, besides: "\t\n\v\f\r");
        return plain ? FileFormat.Text : FileFormat.Unknown;
    }

    private sealed class Known(FileFormat format, string words, params string[] marks)
    {
        private readonly byte[][] _marks = [.. marks.Select(Encoding.Latin1.GetBytes)];

        public FileFormat Format => format;

        public string Words => words;

        /// <summary>Where the marks stand.</summary>
        public int At { get; init; }

        public bool Fits(ReadOnlySpan<byte> head)
        {
            if (head.Length <= At) return false;
            foreach (byte[] mark in _marks)
            {
                if (head[At..].StartsWith(mark)) return true;
            }
            return false;
        }
    }
}
