using System.Buffers.Binary;
using System.Text;
using Spos.Engine.Data;

namespace Spos.Engine.Tests.Data;

public sealed class CompressedPictureTests
{
    [Theory]
    [InlineData("", "an empty file")]
    [InlineData("\0\0\0\0", "nothing but zeros")]
    [InlineData("  \r\n<!DOCTYPE HTML><html>", "an HTML page")]
    [InlineData("<HTML><body>404", "an HTML page")]
    [InlineData("\u00ef\u00bb\u00bf<?xml version=\"1.0\"?>", "an XML document")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull")]
    [InlineData("\u001f\u008b\u0008", "a gzip archive")]
    [InlineData("PK\u0003\u0004", "a zip archive")]
    [InlineData("II*\0rest", "a TIFF picture")]
    [InlineData("\0\0\0\u001cftypavif", "an AVIF picture")]
    [InlineData("\0\0\0\u001cftypheic", "a HEIC picture")]
    [InlineData("P6 4 4 255", "a PPM picture")]
    [InlineData("\u00ff\u00d8", "a damaged JPEG")]
    [InlineData("a caption of a picture", "a text")]
    [InlineData("ab\0\u0001", "data of an unknown format")]
    public void What_is_no_picture_is_named(string content, string what)
    {
        byte[] file = Encoding.Latin1.GetBytes(content);
        string message = Assert.Throws<DataException>(() => CompressedPicture.Decode(file, "a/b.jpg")).Message;
        Assert.StartsWith("a/b.jpg: this is ", message, StringComparison.Ordinal);
        Assert.Contains(what, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Small_files_that_claim_many_pixels_are_refused_before_memory_is_taken()
    {
        byte[] bitmap = new byte[60];
        "BM"u8.CopyTo(bitmap);
        (bitmap[14], bitmap[28]) = (40, 24);
        BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(18), 100_000);
        BinaryPrimitives.WriteInt32LittleEndian(bitmap.AsSpan(22), 100_000);
        byte[] gif = [.. "GIF89a"u8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, (byte)',', 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 0];
        byte[] header = [0, 1, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0], sum = [0x49, 0xEF, 0x6F, 0x3F];
        byte[] png = [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', 0, 0, 0, 13, .. "IHDR"u8, .. header, .. sum, 0, 0, 0, 1, .. "IDAT"u8];
        byte[] jpeg = JpegTests.Encode(16, 16, SkiaSharp.SKJpegEncoderDownsample.Downsample420, 80);
        int frame = jpeg.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]);
        for (int i = 5; i < 9; i++) jpeg[frame + i] = 0xFE;
        foreach (byte[] file in new[] { bitmap, gif, png, jpeg })
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            string message = Assert.Throws<DataException>(() => CompressedPicture.Decode(file, "large")).Message;
            Assert.StartsWith("large: ", message, StringComparison.Ordinal);
            Assert.Contains("too many pixels", message, StringComparison.Ordinal);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }
}
