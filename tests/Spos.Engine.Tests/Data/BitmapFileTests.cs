using System.Buffers.Binary;
using Spos.Engine.Data;

namespace Spos.Engine.Tests.Data;

/// <summary>What picture_golden.json leaves out: Pillow 9.4 misreads moves.</summary>
public sealed class BitmapFileTests
{
    [Fact]
    public void Moves_pass_over_pixels()
    {
        // 4 x 3: two of colour 5, a move of 1 right and 1 up, one of colour 7, the end of the row; four of colour 9.
        byte[] data = [2, 5, 0, 2, 1, 1, 1, 7, 0, 0, 4, 9, 0, 1];
        byte[] file = new byte[54 + 4 * 256 + data.Length];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54 + 4 * 256);
        (file[14], file[18], file[22], file[28], file[30]) = (40, 4, 3, 8, 1);
        for (int i = 0; i < 256; i++) file[54 + 4 * i] = (byte)i;
        data.CopyTo(file, 54 + 4 * 256);
        using CompressedPicture picture = CompressedPicture.Decode(file, "test");
        byte[] blue = [.. picture.Pixels.ToArray().Where((_, i) => i % 4 == 2)];
        Assert.Equal<byte>([9, 9, 9, 9, 0, 0, 0, 7, 5, 5, 0, 0], blue);
    }
}
