using Spos.Engine.Data;
using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

public sealed class PngFileTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(64, 65)]
    public void Pixels_are_decoded_as_they_were_written(int width, int height)
    {
        byte[] rgb = new byte[width * height * 3];
        for (int i = 0; i < rgb.Length; i++) rgb[i] = (byte)(i * 31 + i / 7);
        using CompressedPicture picture = CompressedPicture.Decode(PngFile.Of(width, height, rgb), "picture");
        Assert.Equal((width, height), (picture.Width, picture.Height));
        byte[] pixels = picture.Pixels.ToArray();
        Assert.Equal(rgb, pixels.Where((_, i) => i % CompressedPicture.BytesPerPixel < 3));
    }

    [Fact]
    public void Bytes_that_are_no_such_picture_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PngFile.Of(2, 2, new byte[11]));
        Assert.Throws<ArgumentException>(() => PngFile.Of(0, 2, []));
    }
}
