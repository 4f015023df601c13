using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// Decoding by nvJPEG: by the library itself where a GPU is, else by what stands in for it, which has our own decoder's pixels.
/// </summary>
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
        // Three components that are red, green and blue already: a marker of Adobe's says so, or their names do where there is no marker.
        byte[] adobe = [0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0];
        Assert.True(IsDecodedBy(decoder, WithoutJfif(file, [])));
        Assert.False(IsDecodedBy(decoder, WithoutJfif(file, adobe)));
        Assert.False(IsDecodedBy(decoder, Named("RGB"u8, WithoutJfif(file, []))));
        // With JFIF's marker they are YCbCr, whatever they are called.
        Assert.True(IsDecodedBy(decoder, Named("RGB"u8, file)));
        standIn.Failure = 4;
        Assert.False(IsDecodedBy(decoder, file));
        // It does not work: other pixels in its place would be other results.
        standIn.Failure = 6;
        var error = Assert.Throws<GpuUnavailableException>(() => IsDecodedBy(decoder, file));
        Assert.Contains("nvjpegDecode gave status 6", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.Pool.InUse);
    }

    [Fact]
    public void Where_it_finds_no_memory_it_gets_what_pools_keep()
    {
        using TestDevice test = TestDevice.Open("host");
        using Session session = new(test.Device), other = new(test.Device);
        using var standIn = new StandInNvJpeg(test.Device) { Failure = NvJpeg.AllocatorFailure, Failures = 1 };
        using var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        other.Rent(Shape.Vector(1000)).Dispose();
        byte[] file = Jpeg(50, 40, 1);
        Assert.True(IsDecodedBy(decoder, file));
        Assert.Equal(0, other.Pool.ReservedBytes);
        // A smaller batch may do.
        standIn.Failures = int.MaxValue;
        var error = Assert.Throws<DeviceMemoryException>(() => IsDecodedBy(decoder, file));
        Assert.StartsWith("The CPU's memory is full: of ", error.Message, StringComparison.Ordinal);
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

    [Fact]
    public void Decoders_of_a_device_share_a_handle_and_have_a_state_each()
    {
        using TestDevice test = TestDevice.Open("host");
        using Session session = new(test.Device), other = new(test.Device);
        using var standIn = new StandInNvJpeg(test.Device);
        var first = new NvJpegDecoder(session, StandInNvJpeg.Library);
        var second = new NvJpegDecoder(other, StandInNvJpeg.Library);
        Assert.Equal(3, standIn.Open);
        first.Dispose();
        first.Dispose();
        Assert.Equal(2, standIn.Open);
        Assert.True(IsDecodedBy(second, Jpeg(50, 40, 1)));
        second.Dispose();
        Assert.Equal(0, standIn.Open);
    }

    [Fact]
    public void Large_batches_need_no_more_memory_than_a_part_and_its_planes()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device);
        using var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        byte[][] files = [.. Enumerable.Range(0, 24).Select(i => Jpeg(200 + i % 5, 160, (ulong)i))];
        long Peak(long partBytes)
        {
            session.Pool.ResetPeak();
            _ = Decode(session, files, decoder, partBytes);
            return session.Pool.PeakBytesInUse;
        }

        const long PartBytes = 200_000;
        // Of a part and of the planes that wait, each to a picture, and of the input.
        long ofPicture = Peak(1), bound = 2 * PartBytes + 2 * ofPicture;
        Assert.InRange(Peak(PartBytes), ofPicture, bound);
        Assert.True(Peak(long.MaxValue) > 2 * bound);
    }

    [Fact]
    public void What_it_leaves_is_counted_if_it_is_a_jpeg_that_can_be_decoded()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var standIn = new StandInNvJpeg(test.Device);
        using var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        using var files = new TemporaryDataSet(1, 2);
        files.Add("class0/odd.jpg", Named("RGB"u8, WithoutJfif(Jpeg(50, 40, 1), [])));
        foreach (string name in new[] { "1", "2", "3" }) files.Add($"class0/{name}.png", Png());
        files.Add("class0/short.jpg", Jpeg(50, 40, 1)[..^300]);
        ImageFolder data = ImageFolder.Open(files.Root);
        var damage = new DamageReport(_ => { });
        var reader = new PictureReader(data, leaveOutDamaged: true, damage) { OnDevice = decoder };
        for (int pass = 0; pass < 2; pass++)
        {
            int[] read = [.. Enumerable.Range(0, data.Samples.Length).Where(sample => IsRead(reader, sample))];
            Assert.Equal(6, read.Length);
        }
        decoder.Wait();
        Assert.Equal((1, 1, "1"), (damage.Refused, damage.Files, $"{damage}"));
    }

    [Theory]
    [InlineData("11.5.1", 0u)]
    [InlineData("11.5.2", 4u)]
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

    private static byte[] Jpeg(int width, int height, ulong seed) =>
        JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample420, 85, seed);

    private static bool IsRead(PictureReader reader, int sample)
    {
        using CompressedPicture? picture = reader.Read(sample);
        reader.OnDevice!.Wait();
        return picture != null;
    }

    // With another marker, or none, in the place of JFIF's.
    private static byte[] WithoutJfif(byte[] file, byte[] marker)
    {
        ReadOnlySpan<byte> jfif = [0xFF, 0xE0, 0, 16];
        Assert.True(file.AsSpan(2).StartsWith(jfif));
        return [.. file[..2], .. marker, .. file[20..]];
    }

    // With other names of its three components, in the frame's header and in the scan's.
    private static byte[] Named(ReadOnlySpan<byte> names, byte[] file)
    {
        byte[] named = [.. file];
        ReadOnlySpan<byte> ofFrame = [0xFF, 0xC0, 0, 17], ofScan = [0xFF, 0xDA, 0, 12];
        int frame = file.AsSpan().IndexOf(ofFrame), scan = file.AsSpan().IndexOf(ofScan);
        Assert.True(frame > 0 && scan > 0);
        for (int c = 0; c < names.Length; c++) named[frame + 10 + 3 * c] = named[scan + 5 + 2 * c] = names[c];
        return named;
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
