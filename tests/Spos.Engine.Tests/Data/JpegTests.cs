using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>Decoding on the device against libjpeg-turbo's own decoder (which SkiaSharp brings).</summary>
public sealed class JpegTests
{
    public static TheoryData<int, int, SKJpegEncoderDownsample, int> Cases()
    {
        var cases = new TheoryData<int, int, SKJpegEncoderDownsample, int>();
        foreach (SKJpegEncoderDownsample sampling in Enum.GetValues<SKJpegEncoderDownsample>())
        {
            cases.Add(64, 64, sampling, 90);
            cases.Add(37, 53, sampling, 75);
            cases.Add(1, 1, sampling, 100);
            cases.Add(5, 3, sampling, 20);
            cases.Add(3, 17, sampling, 50);
            cases.Add(130, 9, sampling, 95);
        }
        return cases;
    }

    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void The_whole_picture_equals_libjpeg_turbo_bit_for_bit(
        string device, int width, int height, SKJpegEncoderDownsample sampling, int quality)
    {
        byte[] file = Encode(width, height, sampling, quality);
        using var decoding = new Decoding(device);
        using CompressedPicture picture = CompressedPicture.Decode(file, "test");
        byte[] pixels = decoding.Decoder.DecodeWhole(picture);
        Assert.Equal(Reference(file), pixels);
    }

    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void A_halved_picture_equals_libjpeg_turbo_s_bit_for_bit(
        string device, int width, int height, SKJpegEncoderDownsample sampling, int quality)
    {
        byte[] file = Encode(width, height, sampling, quality);
        using var decoding = new Decoding(device);
        for (int halvings = 1; halvings <= 3; halvings++)
        {
            using CompressedPicture picture = Decoding.Halved(file, halvings);
            byte[] pixels = decoding.Decoder.DecodeWhole(picture);
            Assert.True(Reference(file, 1f / (1 << halvings)).SequenceEqual(pixels), $"{halvings} halvings");
        }
    }

    [Fact]
    public void Damage_is_an_error_that_names_the_file()
    {
        byte[] file = Encode(64, 48, SKJpegEncoderDownsample.Downsample420, 80);
        var error = Assert.Throws<DataException>(() => CompressedPicture.Decode(file.AsSpan(0, file.Length / 2), "a.jpg"));
        Assert.StartsWith("a.jpg: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_damaged_bytes_give_an_error_or_a_picture()
    {
        byte[] file = Encode(40, 40, SKJpegEncoderDownsample.Downsample422, 60);
        var random = new CounterRandom(3, RandomPurpose.Drawing, 0);
        int errors = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] damaged = (byte[])file.Clone();
            for (int k = 0; k <= i % 4; k++) damaged[random.NextInt(damaged.Length)] = (byte)random.NextBits();
            try
            {
                CompressedPicture.Decode(damaged, "damaged").Dispose();
            }
            catch (DataException)
            {
                errors++;
            }
        }
        Assert.InRange(errors, 100, 2000);
    }

    [Theory]
    [OnHostAndSimt]
    public void Damaged_files_come_to_libjpeg_turbo_s_own_pixels(string device)
    {
        using var decoding = new Decoding(device);
        SKJpegEncoderDownsample[] samplings = Enum.GetValues<SKJpegEncoderDownsample>();
        var random = new CounterRandom(5, RandomPurpose.Drawing, 0);
        int decoded = 0, warned = 0, count = device == "host" ? 1500 : 100;
        for (int i = 0; i < count; i++)
        {
            byte[] file = Encode(53, 41, samplings[i % samplings.Length], 40 + i % 60, (ulong)i);
            // The headers are 600 bytes or more; what follows is the scan.
            for (int k = 0; k <= i % 3; k++) file[620 + random.NextInt(file.Length - 622)] ^= (byte)(1 << random.NextInt(8));
            CompressedPicture picture;
            try
            {
                picture = CompressedPicture.Decode(file, "damaged");
            }
            catch (DataException)
            {
                Assert.Throws<DataException>(() => JpegFile.DecodeToPixels(file, 1 << 20, "damaged"));
                continue;
            }
            using CompressedPicture reference = JpegFile.DecodeToPixels(file, 1 << 20, "damaged");
            if (!picture.IsPixels) decoded++;
            if (picture.Warning != null) warned++;
            Assert.True(decoding.Decoder.DecodeWhole(picture).SequenceEqual(decoding.Decoder.DecodeWhole(reference)), $"file {i}");
            picture.Dispose();
        }
        Assert.InRange(decoded, count / 20, count);
        Assert.InRange(warned, count / 20, count);
    }

    [Theory]
    [OnHostAndSimt]
    public void A_picture_of_which_only_the_crop_is_decoded_comes_to_the_same_input(string device)
    {
        const int size = 32;
        using var decoding = new Decoding(device);
        foreach (SKJpegEncoderDownsample sampling in Enum.GetValues<SKJpegEncoderDownsample>())
        {
            for (ulong i = 0; i < 6; i++)
            {
                byte[] file = Encode(90 + 7 * (int)i, 75, sampling, 80, i);
                using CompressedPicture whole = CompressedPicture.Decode(file, "test");
                var random = new CounterRandom(i, RandomPurpose.Augmentation, 0);
                ImageTransformRecord transform = i == 0
                    ? Transforms.Validation(whole.Width, whole.Height, size)
                    : Transforms.Training(whole.Width, whole.Height, size, new Augmentation(), random);
                using CompressedPicture part = CompressedPicture.Decode(file, "test", (_, _) => Transforms.RegionOf(transform, size));
                Assert.True(part.Coefficients.Length < whole.Coefficients.Length || i == 0);
                Assert.Equal(decoding.Input(whole, transform, size), decoding.Input(part, transform, size));
            }
        }
    }

    [Fact]
    public void Damage_below_the_crop_is_not_told_of_and_changes_nothing()
    {
        const int size = 16;
        byte[] file = Encode(64, 96, SKJpegEncoderDownsample.Downsample420, 80), damaged = (byte[])file.Clone();
        // Impossible codes in the last rows.
        damaged.AsSpan(file.Length - 40, 12).Fill(0xFE);
        ImageTransformRecord transform = Transforms.Resize(8, 8, size, size, size);
        PictureView Top(int width, int height) => Transforms.RegionOf(transform, size);
        using var decoding = new Decoding("host");
        using CompressedPicture whole = CompressedPicture.Decode(damaged, "test"), top = CompressedPicture.Decode(damaged, "test", Top);
        using CompressedPicture undamaged = CompressedPicture.Decode(file, "test");
        Assert.NotNull(whole.Warning);
        Assert.Null(top.Warning);
        float[] expected = decoding.Input(undamaged, transform, size);
        Assert.Equal(expected, decoding.Input(top, transform, size));
        Assert.Equal(expected, decoding.Input(whole, transform, size));
    }

    [Fact]
    public void A_file_that_is_cut_short_below_the_crop_is_refused()
    {
        byte[] file = Encode(64, 96, SKJpegEncoderDownsample.Downsample420, 80);
        Assert.Throws<DataException>(
            () => CompressedPicture.Decode(file.AsSpan(0, file.Length - 40), "test", (_, _) => new PictureRegion(0, 64, 0, 8)));
    }

    [Fact]
    public void What_was_not_decoded_cannot_be_read()
    {
        byte[] file = Encode(64, 64, SKJpegEncoderDownsample.Downsample444, 80);
        using CompressedPicture part = CompressedPicture.Decode(file, "test", (_, _) => new PictureRegion(20, 44, 20, 44));
        new PictureLayout().Add(part, new PictureRegion(20, 44, 20, 44));
        PictureRegion[] larger = [new(4, 44, 20, 44), new(20, 60, 20, 44), new(20, 44, 4, 44), new(20, 44, 20, 60)];
        foreach (PictureRegion more in larger)
        {
            Assert.Throws<ArgumentException>(() => new PictureLayout().Add(part, more));
        }
    }

    internal static byte[] Encode(int width, int height, SKJpegEncoderDownsample sampling, int quality, ulong seed = 1)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var random = new CounterRandom(seed, RandomPurpose.Drawing, 1);
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i++)
        {
            (int x, int y) = (i / 4 % width, i / 4 / width);
            pixels[i] = i % 4 == 3
                ? (byte)255
                : (byte)Math.Clamp(
                    128 + 90 * Math.Sin(x * 0.3 + i % 4) + 60 * Math.Cos(y * 0.2 * (i % 4 + 1)) + 25 * random.NextNormal(), 0, 255);
        }
        using SKPixmap pixmap = bitmap.PeekPixels()!;
        using SKData data = pixmap.Encode(new SKJpegEncoderOptions(quality, sampling, SKJpegEncoderAlphaOption.Ignore))!;
        return data.ToArray();
    }

    private static byte[] Reference(byte[] file, float scale = 1)
    {
        using SKCodec codec = SKCodec.Create(new SKMemoryStream(file));
        SKSizeI size = codec.GetScaledDimensions(scale);
        using SKBitmap bitmap = SKBitmap.Decode(codec, codec.Info.WithSize(size.Width, size.Height))
            ?? throw new InvalidOperationException("the reference cannot decode it");
        byte[] rgb = new byte[bitmap.Width * bitmap.Height * 3];
        SKColor[] colours = bitmap.Pixels;
        for (int i = 0; i < colours.Length; i++)
        {
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = (colours[i].Red, colours[i].Green, colours[i].Blue);
        }
        return rgb;
    }
}
