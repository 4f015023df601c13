using System.Runtime.Intrinsics;

namespace Spos.Engine.Data;

/// <summary>Pixels as a cache keeps them: red, green and blue, without the fourth byte that they have on the device.</summary>
internal static class PackedPixels
{
    public const int BytesPerPixel = 3;

    private const int Padded = CompressedPicture.BytesPerPixel;

    // A vector holds so many padded pixels. Where an index is beyond the vector, the shuffle puts 0.
    private const int Group = 4;
    private static readonly Vector128<byte> Spread = Vector128.Create((byte)0, 1, 2, 99, 3, 4, 5, 99, 6, 7, 8, 99, 9, 10, 11, 99);
    private static readonly Vector128<byte> Gather = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 99, 99, 99, 99);

    /// <summary>Red, green, blue and 0 of red, green and blue.</summary>
    public static void Unpack(ReadOnlySpan<byte> packed, Span<byte> padded)
    {
        Require(packed, padded);
        int pixel = 0, count = packed.Length / BytesPerPixel;
        // A vector reads a pixel and a third more than it gives.
        for (; pixel + Group + 2 <= count; pixel += Group)
        {
            Vector128<byte> source = Vector128.Create(packed.Slice(pixel * BytesPerPixel, Vector128<byte>.Count));
            Vector128.Shuffle(source, Spread).CopyTo(padded[(pixel * Padded)..]);
        }
        for (; pixel < count; pixel++)
        {
            packed.Slice(pixel * BytesPerPixel, BytesPerPixel).CopyTo(padded[(pixel * Padded)..]);
            padded[pixel * Padded + BytesPerPixel] = 0;
        }
    }

    /// <summary>Red, green and blue of red, green, blue and anything.</summary>
    public static void Pack(ReadOnlySpan<byte> padded, Span<byte> packed)
    {
        Require(packed, padded);
        int pixel = 0, count = packed.Length / BytesPerPixel;
        // A vector writes a pixel and a third more than it gives, which the next one writes again.
        for (; pixel + Group + 2 <= count; pixel += Group)
        {
            Vector128<byte> source = Vector128.Create(padded.Slice(pixel * Padded, Vector128<byte>.Count));
            Vector128.Shuffle(source, Gather).CopyTo(packed[(pixel * BytesPerPixel)..]);
        }
        for (; pixel < count; pixel++) padded.Slice(pixel * Padded, BytesPerPixel).CopyTo(packed[(pixel * BytesPerPixel)..]);
    }

    private static void Require(ReadOnlySpan<byte> packed, ReadOnlySpan<byte> padded)
    {
        if (packed.Length % BytesPerPixel == 0 && packed.Length / BytesPerPixel * Padded == padded.Length) return;
        throw new ArgumentException($"{packed.Length} bytes packed, {padded.Length} padded.");
    }
}
