using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Spos.Engine.Files;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>
/// A picture as far as the CPU decodes it. Ordinary JPEGs are entropy-decoded only, to quantised coefficients and their tables; all
/// others (CMYK, incomplete or damaged JPEGs, PNG, GIF, BMP, WebP) are pixels. Disposing returns its memory.
/// </summary>
internal sealed class CompressedPicture : IDisposable
{
    /// <summary>Red, green, blue and 0.</summary>
    public const int BytesPerPixel = 4;

    /// <summary>More than any but a blank picture has for each byte of its file: a large picture of more is refused.</summary>
    public const long MostPixelsPerByte = 1 << 14;

    /// <summary>More than any camera takes: a file that claims more is refused before memory is asked for.</summary>
    public const long MostPixels = 1 << 28;

    // A picture of more pixels is large.
    private const long FewPixels = 1 << 24;

    private readonly int _length;
    private readonly ArrayPool<byte> _pool = ArrayPool<byte>.Shared;
    private readonly bool _isPacked;
    private short[]? _coefficients;
    private byte[]? _pixels;

    /// <summary>
    /// The part of an ordinary JPEG that <paramref name="view"/> takes. Takes over <paramref name="coefficients"/>, of which
    /// <paramref name="length"/> are used.
    /// </summary>
    public CompressedPicture(JpegHeader header, PictureView view, short[] coefficients, int length, ushort[] quantisation)
    {
        (Width, Height, Header, Region, Halvings) = (header.Width, header.Height, header, view.Region, view.Halvings);
        (_coefficients, _length, Quantisation) = (coefficients, length, quantisation);
    }

    /// <summary>Takes over <paramref name="pixels"/>, which <see cref="Fill"/> gave.</summary>
    public CompressedPicture(int width, int height, byte[] pixels, string? warning = null)
    {
        (Width, Height, Warning) = (width, height, warning);
        (_pixels, _length) = (pixels, width * height * BytesPerPixel);
    }

    /// <summary>
    /// Takes over <paramref name="packed"/> pixels, <see cref="PackedPixels.BytesPerPixel"/> each, which go back to
    /// <paramref name="pool"/>.
    /// </summary>
    public CompressedPicture(int width, int height, byte[] packed, ArrayPool<byte> pool, string? warning)
    {
        (Width, Height, Warning) = (width, height, warning);
        (_pixels, _length, _pool, _isPacked) = (packed, width * height * PackedPixels.BytesPerPixel, pool, true);
    }

    /// <summary>Takes over <paramref name="frame"/>, which the device may still be decoding to.</summary>
    public CompressedPicture(int width, int height, DeviceFrame frame)
    {
        (Width, Height) = (width, height);
        Frame = frame;
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Where it is on the device, if it was decoded there: then it has no header, coefficients, tables and pixels.</summary>
    public DeviceFrame? Frame { get; private set; }

    /// <summary>Whether it is pixels: then it has no header, coefficients and tables.</summary>
    public bool IsPixels => _pixels != null;

    /// <summary>What damage the decoder painted over, in its words; null if none. Pillow decodes such a file to the same pixels.</summary>
    public string? Warning { get; }

    /// <summary>Of memory that it holds.</summary>
    public long Bytes => Frame?.Planes.Length ?? _pixels?.Length ?? (_coefficients?.Length ?? 0) * (long)sizeof(short);

    public JpegHeader Header { get; }

    /// <summary>How often its sides are halved on the device: <see cref="Width"/> and <see cref="Height"/> are those before.</summary>
    public int Halvings { get; }

    /// <summary>What of an ordinary JPEG is there, after it is halved.</summary>
    public PictureRegion Region { get; }

    /// <summary>Of each plane the blocks that <see cref="Region"/> takes, in rows, 64 a block.</summary>
    public ReadOnlySpan<short> Coefficients => _coefficients.AsSpan(0, _coefficients == null ? 0 : _length);

    /// <summary>Three tables of 64.</summary>
    public ushort[] Quantisation { get; } = [];

    /// <summary>Rows from the top, <see cref="BytesPerPixel"/> each pixel, or as a cache has packed them.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels.AsSpan(0, _pixels == null ? 0 : _length);

    /// <summary>Copies a part of a row of <see cref="Pixels"/>, to <see cref="BytesPerPixel"/> each.</summary>
    public void CopyPixels(int left, int row, int count, Span<byte> target)
    {
        int start = row * Width + left;
        if (_isPacked) PackedPixels.Unpack(Slice(PackedPixels.BytesPerPixel), target);
        else Slice(BytesPerPixel).CopyTo(target);

        ReadOnlySpan<byte> Slice(int bytes) => Pixels.Slice(start * bytes, count * bytes);
    }

    /// <summary>Decodes a file that has been read. Its content tells what it is, not its name.</summary>
    /// <param name="name">What messages call the file.</param>
    /// <param name="viewOf">What will be read of it; of an ordinary JPEG no more is decoded. Null for all of it.</param>
    /// <exception cref="DataException">The bytes are not a whole picture of a supported kind.</exception>
    public static CompressedPicture Decode(ReadOnlySpan<byte> file, string name, ViewOf? viewOf = null) => FileContent.Of(file) switch
    {
        FileFormat.Jpeg => JpegFile.Decode(file, MostPixelsOf(file), name, viewOf),
        FileFormat.Png => DecodeByLibrary(file, PictureLibrary.Png, "PNG", name),
        FileFormat.Gif => DecodeByLibrary(file, PictureLibrary.Gif, "GIF", name),
        FileFormat.WebP => DecodeByLibrary(file, PictureLibrary.WebP, "WebP", name),
        FileFormat.Bmp => DecodeBitmap(file, name),
        FileFormat other => throw new DataException(
            $"{name}: this is {FileContent.Describe(other)}, not a picture that can be read (JPEG, PNG, GIF, BMP or WebP)."),
    };

    /// <summary>The most pixels that a file may have.</summary>
    public static long MostPixelsOf(ReadOnlySpan<byte> file) => Math.Min(MostPixels, Math.Max(FewPixels, MostPixelsPerByte * file.Length));

    /// <summary>An array for a picture's pixels, which <paramref name="decode"/> fills, given its address and size.</summary>
    public static unsafe byte[] Fill(int width, int height, Action<nint, int> decode)
    {
        int size = width * height * BytesPerPixel;
        byte[] pixels = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            fixed (byte* target = pixels) decode((nint)target, size);
            return pixels;
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(pixels);
            throw;
        }
    }

    public static unsafe string TextOf(byte* text) => Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    public static unsafe DataException Refused(string name, string format, byte* reason) => Refused(name, format, TextOf(reason));

    public void Dispose()
    {
        if (_coefficients != null) JpegFile.Return(_coefficients);
        if (_pixels != null) _pool.Return(_pixels);
        Frame?.Planes.Dispose();
        (_coefficients, _pixels, Frame) = (null, null, null);
    }

    private static unsafe CompressedPicture DecodeByLibrary(ReadOnlySpan<byte> file, int format, string formatName, string name)
    {
        byte* message = stackalloc byte[PictureLibrary.MessageSize];
        int width, height;
        fixed (byte* start = file)
        {
            (nint data, nuint length) = ((nint)start, (nuint)file.Length);
            int result = PictureLibrary.Size(format, start, length, MostPixelsOf(file), &width, &height, message);
            if (result != 0) throw Refused(name, formatName, message);
            (int w, int h) = (width, height);
            byte[] pixels = Fill(w, h, (target, _) =>
            {
                int result = PictureLibrary.Pixels(format, (byte*)data, length, w, h, (byte*)target, message);
                if (result != 0) throw Refused(name, formatName, message);
            });
            return new CompressedPicture(w, h, pixels);
        }
    }

    private static CompressedPicture DecodeBitmap(ReadOnlySpan<byte> file, string name)
    {
        byte[]? pixels = null;
        try
        {
            var bitmap = new BitmapFile(file, MostPixelsOf(file));
            int size = bitmap.Width * bitmap.Height * BytesPerPixel;
            pixels = ArrayPool<byte>.Shared.Rent(size);
            bitmap.Decode(pixels.AsSpan(0, size));
            return new CompressedPicture(bitmap.Width, bitmap.Height, pixels);
        }
        catch (InvalidDataException error)
        {
            if (pixels != null) ArrayPool<byte>.Shared.Return(pixels);
            throw Refused(name, "BMP", error.Message);
        }
    }

    private static DataException Refused(string name, string format, string reason) =>
        new($"{name}: not a usable {format}: {reason.TrimEnd('.')}.");
}
