using Spos.Engine.Data;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Data;

public sealed class PictureLayoutTests
{
    private const int Width = 4000, Height = 3000, Pictures = 128;

    [Fact]
    public void A_batch_of_large_jpegs_has_places_beyond_32_bits()
    {
        var layout = new PictureLayout();
        using CompressedPicture picture = Jpeg();
        const long pixels = (long)Width * Height * 4;
        for (int i = 0; i < Pictures; i++) Assert.Equal(i * pixels, layout.Add(picture, new PictureRegion(0, Width, 0, Height)));
        // 4:2:0: luma's coefficients, two bytes each, and half as many again.
        Assert.Equal(Pictures * pixels, layout.Bytes - layout.Pixels);
        Assert.InRange(layout.Pixels - layout.Coefficients, Pictures * 3L * Width * Height, Pictures * 3L * Width * (Height + 16));
        Assert.InRange(layout.SampleBytes, Pictures * 3L * Width * Height / 2, Pictures * 3L * Width * (Height + 16) / 2);
    }

    [Fact]
    public void A_batch_of_large_pictures_that_are_pixels_has_places_beyond_32_bits()
    {
        var layout = new PictureLayout();
        using var picture = new CompressedPicture(Width, Height, []);
        const long pixels = (long)Width * Height * 4;
        for (int i = 0; i < Pictures; i++) Assert.Equal(-(i + 1) * pixels, layout.Add(picture, new PictureRegion(0, Width, 0, Height)));
        Assert.InRange(layout.Pixels, Pictures * pixels, Pictures * pixels + 100_000);
    }

    [Fact]
    public void Sections_begin_where_the_widest_loads_do_and_do_not_overlap()
    {
        using CompressedPicture jpeg = Jpeg();
        using var other = new CompressedPicture(5, 3, []);
        var layout = new PictureLayout();
        for (int i = 0; i < 7; i++)
        {
            layout.Add(jpeg, new PictureRegion(i, 10 + 3 * i, 2 * i, 40 + i));
            layout.Add(other, new PictureRegion(1, 4, 0, 3));
        }
        long[] starts =
        [
            PictureLayout.Transforms, layout.Images, layout.BlockStrips, layout.PixelStrips, layout.Quantisation, layout.Coefficients,
            layout.Pixels, layout.Bytes,
        ];
        Assert.All(starts[..^1], start => Assert.Equal(0, start % 256));
        Assert.Equal(starts.Distinct().Order(), starts);
    }

    [Fact]
    public void Very_wide_pictures_are_no_reason_for_filters_beyond_the_memory()
    {
        var work = new ResizeWork(224, 8);
        var small = new ImageTransformRecord { Source = new PictureRegion(0, 300, 0, 300), ResizedWidth = 224, ResizedHeight = 224 };
        var wide = new ImageTransformRecord { Source = new PictureRegion(0, 1 << 22, 0, 1), ResizedWidth = 224, ResizedHeight = 224 };
        for (int i = 0; i < 127; i++) work.Add(ref small);
        long asked = work.BytesWith(wide);
        Assert.InRange(asked, 1L << 33, 1L << 35);
        work.Add(ref wide);
        Assert.Equal(asked, (work.Outputs + work.Weights + work.Rows) * 4 + work.Taps * 8);
    }

    private static CompressedPicture Jpeg()
    {
        JpegHeaderPlane Plane(int sampling) => new()
        {
            BlocksWide = (Width / sampling + 7) / 8,
            BlocksHigh = (Height / sampling + 7) / 8,
            Width = Width / sampling,
            Height = Height / sampling,
            Horizontal = sampling,
            Vertical = sampling,
        };
        var header = new JpegHeader
        {
            Width = Width,
            Height = Height,
            Components = 3,
            IsYcc = 1,
            Plane0 = Plane(1),
            Plane1 = Plane(2),
            Plane2 = Plane(2),
        };
        // Nobody reads the coefficients.
        return new CompressedPicture(header, new PictureRegion(0, Width, 0, Height), JpegFile.Rent(0), 0, new ushort[3 * 64]);
    }
}
