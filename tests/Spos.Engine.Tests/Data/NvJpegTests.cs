using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Data;

/// <summary>Decoding by nvJPEG: by the library itself where a GPU is, else by what stands in for it, which has our own decoder's pixels.</summary>
public sealed class NvJpegTests
{
    private const int Size = 32;

    [Theory]
    [OnHostAndSimt]
    public void A_batch_has_the_pixels_that_were_decoded_on_the_device(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device) { HasEngine = true };
        byte[][] files = [.. Enumerable.Range(0, 7).Select(i => i % 3 == 2 ? Png() : Jpeg(40 + 11 * i, 60 + i, (ulong)i))];
        float[] own = Decode(session, files, null);
        using (var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library))
        {
            Assert.True(decoder.HasEngine);
            // Two pictures in three are left to it.
            Assert.Equal(5, files.Count(file => IsDecodedBy(decoder, file)));
            Assert.Equal(own, Decode(session, files, decoder));
            Assert.Equal(own, Decode(session, files, decoder, partBytes: 1));
        }
        Assert.Equal((0, 0), (standIn.Open, session.Pool.InUse));
    }

    [Fact]
    public void What_it_refuses_is_left_to_others()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device);
        using var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        Assert.False(decoder.HasEngine);
        byte[] file = Jpeg(50, 40, 1);
        Assert.True(IsDecodedBy(decoder, file));
        Assert.True(IsDecodedBy(decoder, [.. file, 0, 0, 0]));
        // Cut short, no JPEG, nothing, and one that the library does not support.
        Assert.False(IsDecodedBy(decoder, file[..^40]));
        Assert.False(IsDecodedBy(decoder, Png()));
        Assert.False(IsDecodedBy(decoder, []));
        // Three components that are red, green and blue already, which a marker of Adobe's says.
        Assert.False(IsDecodedBy(decoder, Rgb(file)));
        standIn.Failure = 4;
        Assert.False(IsDecodedBy(decoder, file));
        // No device memory: other pixels in its place would be other results.
        standIn.Failure = 5;
        var error = Assert.Throws<GpuUnavailableException>(() => IsDecodedBy(decoder, file));
        Assert.Contains("nvjpegDecode gave status 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.Pool.InUse);
    }

    [Fact]
    public void A_library_that_makes_no_state_leaves_nothing_open()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device) { StateFailure = 5 };
        var error = Assert.Throws<GpuUnavailableException>(() => new NvJpegDecoder(session, StandInNvJpeg.Library));
        Assert.Contains("nvjpegJpegStateCreate gave status 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, standIn.Open);
    }

    [Theory]
    [InlineData("11.8.0", 0u)]
    [InlineData("11.9.0", 4u)]
    [InlineData("12.3.1", 4u)]
    public void A_library_that_can_be_strict_is(string version, uint flags)
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device) { Version = Version.Parse(version) };
        using var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        Assert.Equal(flags, standIn.Flags);
    }

    [Fact]
    public void Only_a_gpu_of_nvidia_has_it()
    {
        var error = Assert.Throws<GpuUnavailableException>(() => JpegDecoders.Require(Device.Host));
        Assert.Contains("--decoder nvjpeg", error.Message, StringComparison.Ordinal);
        Assert.Contains("--decoder spos", error.Message, StringComparison.Ordinal);
    }

    [NvJpegFact]
    public void It_agrees_with_our_decoder()
    {
        using var session = new Session(Device.Cuda);
        using var own = new PictureDecoder(session);
        using var decoder = new NvJpegDecoder(session);
        foreach (SKJpegEncoderDownsample sampling in Enum.GetValues<SKJpegEncoderDownsample>())
        {
            byte[] file = JpegTests.Encode(203, 151, sampling, 95);
            using CompressedPicture expected = CompressedPicture.Decode(file, "test");
            using CompressedPicture? found = decoder.TryDecode(file);
            Assert.NotNull(found);
            byte[] ours = own.DecodeWhole(expected), theirs = own.DecodeWhole(found);
            decoder.Wait();
            int[] differences = [.. ours.Zip(theirs, (a, b) => Math.Abs(a - b))];
            // An inverse DCT may differ by a level in each component, which blue has 1 + 1.772 of, and rounding adds one.
            if (sampling == SKJpegEncoderDownsample.Downsample444) Assert.InRange(differences.Max(), 0, 4);
            // It repeats chroma where libjpeg-turbo interpolates: as far as neighbouring samples of this noisy picture differ.
            Assert.InRange(differences.Average(), 0, sampling == SKJpegEncoderDownsample.Downsample444 ? 1 : 12);
        }
    }

    private static bool IsDecodedBy(NvJpegDecoder decoder, byte[] file)
    {
        using CompressedPicture? picture = decoder.TryDecode(file);
        decoder.Wait();
        return picture != null;
    }

    private static byte[] Jpeg(int width, int height, ulong seed) => JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample420, 85, seed);

    // With the marker that says so in the place of JFIF's.
    private static byte[] Rgb(byte[] file)
    {
        ReadOnlySpan<byte> jfif = [0xFF, 0xE0, 0, 16];
        Assert.True(file.AsSpan(2).StartsWith(jfif));
        byte[] adobe = [0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0];
        byte[] rgb = [.. file[..2], .. adobe, .. file[20..]];
        using CompressedPicture picture = CompressedPicture.Decode(rgb, "test");
        Assert.Equal((3, 0), (picture.Header.Components, picture.Header.IsYcc));
        return rgb;
    }

    private static byte[] Png()
    {
        using SKBitmap bitmap = SKBitmap.Decode(Jpeg(70, 50, 9));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static float[] Decode(Session session, byte[][] files, NvJpegDecoder? onDevice, long partBytes = 1 << 20)
    {
        using var decoder = new PictureDecoder(session) { PartBytes = partBytes };
        using var batch = new PictureBatch(session, decoder, files.Length, Size, Preprocessing.Standard, fixedPoint: false, onDevice);
        foreach (byte[] file in files)
        {
            CompressedPicture picture = onDevice?.TryDecode(file) ?? CompressedPicture.Decode(file, "test");
            batch.Add(picture, Transforms.Validation(picture.Width, picture.Height, Size));
        }
        using Tensor input = batch.Finish();
        return input.Download(session.Stream);
    }
}
