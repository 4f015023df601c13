using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Spos.Engine.Files;

/// <summary>
/// Writes PNG (W3C, Portable Network Graphics, third edition): a signature, and chunks of a length, a type, data and a CRC-32 of the latter
/// two.
/// </summary>
public static class PngFile
{
    private const byte BitDepth = 8, TrueColour = 2, NoFilter = 0;

    /// <summary>The bytes of a picture.</summary>
    /// <param name="rgb">Red, green and blue of each pixel, row by row from the top.</param>
    /// <exception cref="ArgumentException">There are not as many bytes as the picture has.</exception>
    public static byte[] Of(int width, int height, ReadOnlySpan<byte> rgb)
    {
        if (width < 1 || height < 1 || rgb.Length != (long)width * height * 3)
        {
            throw new ArgumentException($"{rgb.Length} bytes are no picture of {width} by {height} pixels.");
        }
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n']);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        // What follows are the methods of compression, filter and interlacing, of which 0 is the plain one.
        (header[8], header[9]) = (BitDepth, TrueColour);
        header[10..].Clear();
        Write(file, "IHDR"u8, header);
        using var compressed = new MemoryStream();
        using (var deflate = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int row = 0; row < height; row++)
            {
                deflate.WriteByte(NoFilter);
                deflate.Write(rgb.Slice(row * width * 3, width * 3));
            }
        }
        Write(file, "IDAT"u8, compressed.ToArray());
        Write(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Write(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        var sum = new Crc32();
        sum.Append(type);
        sum.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, sum.GetCurrentHashAsUInt32());
        file.Write(number);
    }
}
