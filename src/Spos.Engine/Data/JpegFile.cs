using System.Buffers;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>JPEGs, by native/jpeg: of ordinary ones the entropy coding, of others all.</summary>
internal static unsafe class JpegFile
{
    private const string Format = "JPEG";

    // The shared pool keeps too few for the batches that are on their way, and fresh arrays are cleared first.
    private static readonly ArrayPool<short> Pool = ArrayPool<short>.Create(1 << 29, 256);

    /// <param name="viewOf">What will be read of it, if not all.</param>
    /// <exception cref="DataException">It is not a whole JPEG of a supported kind.</exception>
    public static CompressedPicture Decode(ReadOnlySpan<byte> file, long mostPixels, string name, ViewOf? viewOf = null) =>
        DecodeToCoefficients(file, mostPixels, name, viewOf) ?? DecodeToPixels(file, mostPixels, name);

    /// <summary>Decodes a JPEG of whatever kind to pixels.</summary>
    /// <exception cref="DataException">It is not a whole JPEG of a supported kind.</exception>
    public static CompressedPicture DecodeToPixels(ReadOnlySpan<byte> file, long mostPixels, string name)
    {
        byte* message = stackalloc byte[JpegLibrary.MessageSize];
        byte* warning = stackalloc byte[JpegLibrary.MessageSize];
        fixed (byte* data = file)
        {
            nint decoder = Open(data, file.Length, mostPixels, name, out JpegHeader header);
            try
            {
                byte[] pixels = CompressedPicture.Fill(header.Width, header.Height, (target, size) =>
                {
                    int result = JpegLibrary.Pixels(decoder, (byte*)target, (nuint)size, warning, message);
                    if (result != JpegLibrary.Done) throw CompressedPicture.Refused(name, Format, message);
                });
                string? damage = CompressedPicture.TextOf(warning) is { Length: > 0 } said ? said : null;
                return new CompressedPicture(header.Width, header.Height, pixels, damage);
            }
            finally
            {
                JpegLibrary.Close(decoder);
            }
        }
    }

    /// <summary>Room for a picture's coefficients, which the picture takes over.</summary>
    public static short[] Rent(int length) => Pool.Rent(length);

    /// <summary>Takes back what <see cref="Decode"/> gave a picture.</summary>
    public static void Return(short[] coefficients) => Pool.Return(coefficients);

    /// <summary>What the headers say; null if they are none of a JPEG of a supported kind, or it has too many pixels.</summary>
    public static JpegHeader? TryReadHeader(ReadOnlySpan<byte> file, long mostPixels)
    {
        byte* message = stackalloc byte[JpegLibrary.MessageSize];
        nint decoder;
        JpegHeader header;
        fixed (byte* data = file)
        {
            if (JpegLibrary.Open(data, (nuint)file.Length, mostPixels, &decoder, &header, message) != JpegLibrary.Done) return null;
            JpegLibrary.Close(decoder);
            return header;
        }
    }

    // Null if it takes libjpeg-turbo to decode it to pixels.
    private static CompressedPicture? DecodeToCoefficients(ReadOnlySpan<byte> file, long mostPixels, string name, ViewOf? viewOf)
    {
        byte* message = stackalloc byte[JpegLibrary.MessageSize];
        JpegBlocks* blocks = stackalloc JpegBlocks[3];
        short[]? coefficients = null;
        fixed (byte* data = file)
        {
            nint decoder = Open(data, file.Length, mostPixels, name, out JpegHeader header);
            try
            {
                if (header.Components == 0) return null;
                PictureView view = viewOf?.Invoke(header.Width, header.Height) ?? new PictureRegion(0, header.Width, 0, header.Height);
                int length = 0;
                for (int c = 0; c < header.Components; c++)
                {
                    blocks[c] = view.Region.BlocksOf(header.PlaneAt(c, view.Halvings));
                    length = checked(length + blocks[c].Width * blocks[c].Height * 64);
                }
                coefficients = Rent(length);
                ushort[] quantisation = new ushort[3 * 64];
                int result;
                fixed (short* target = coefficients)
                fixed (ushort* tables = quantisation)
                {
                    result = JpegLibrary.Coefficients(decoder, blocks, target, (nuint)length, tables, message);
                }
                if (result == JpegLibrary.NeedsPixels) return null;
                if (result != JpegLibrary.Done) throw CompressedPicture.Refused(name, Format, message);
                var picture = new CompressedPicture(header, view, coefficients, length, quantisation);
                coefficients = null;
                return picture;
            }
            finally
            {
                if (coefficients != null) Pool.Return(coefficients);
                JpegLibrary.Close(decoder);
            }
        }
    }

    private static nint Open(byte* data, int length, long mostPixels, string name, out JpegHeader header)
    {
        byte* message = stackalloc byte[JpegLibrary.MessageSize];
        nint decoder;
        JpegHeader found;
        int result = JpegLibrary.Open(data, (nuint)length, mostPixels, &decoder, &found, message);
        if (result != JpegLibrary.Done) throw CompressedPicture.Refused(name, Format, message);
        header = found;
        return decoder;
    }
}
