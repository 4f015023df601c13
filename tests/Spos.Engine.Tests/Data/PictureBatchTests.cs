using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

public sealed class PictureBatchTests
{
    private const int Size = 32;

    [Theory]
    [OnHostAndSimt(Preprocessing.Standard)]
    [OnHostAndSimt(Preprocessing.Spos)]
    public void A_batch_in_parts_equals_a_batch_at_once(string device, Preprocessing preprocessing)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        byte[][] files = Files(9);
        float[] atOnce = Decode(session, files, preprocessing, long.MaxValue, out _);
        Assert.Equal(atOnce, Decode(session, files, preprocessing, 1, out _));
        Assert.Equal(atOnce, Decode(session, files, preprocessing, 40_000, out _));
    }

    [Fact]
    public void Large_batches_need_no_more_memory_than_a_part()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        byte[][] few = Files(8), many = Files(64);
        _ = Decode(session, few, Preprocessing.Standard, 100_000, out long ofFew);
        _ = Decode(session, many, Preprocessing.Standard, 100_000, out long ofMany);
        _ = Decode(session, many, Preprocessing.Standard, long.MaxValue, out long atOnce);
        // What grows with the number of pictures are the input itself and their descriptors.
        long ofInput = (many.Length - few.Length) * (2L * 3 * Size * Size * sizeof(float) + 1024);
        Assert.InRange(ofMany, 0, ofFew + ofInput);
        Assert.True(atOnce > 2 * ofMany, $"{atOnce} and {ofMany} bytes");
    }

    // JPEGs of several sizes, and pictures of other formats among them.
    private static byte[][] Files(int count) => [.. Enumerable.Range(0, count).Select(i => i % 4 == 2 ? Png(70 + i, 90) : Jpeg(i))];

    private static byte[] Jpeg(int i) => JpegTests.Encode(60 + 7 * (i % 5), 80, SKJpegEncoderDownsample.Downsample420, 85, (ulong)i);

    private static byte[] Png(int width, int height)
    {
        using SKBitmap bitmap = SKBitmap.Decode(JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample444, 95));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static float[] Decode(Session session, byte[][] files, Preprocessing preprocessing, long partBytes, out long peak)
    {
        session.Pool.ResetPeak();
        using var decoder = new PictureDecoder(session) { PartBytes = partBytes };
        bool official = preprocessing == Preprocessing.Spos;
        using var batch = new PictureBatch(session, decoder, files.Length, Size, preprocessing, official);
        foreach (byte[] file in files)
        {
            CompressedPicture picture = CompressedPicture.Decode(file, "test");
            (int width, int height) = (picture.Width, picture.Height);
            batch.Add(picture, official ? Transforms.OfficialValidation(width, height, Size) : Transforms.Validation(width, height, Size));
        }
        Assert.Equal(files.Length, batch.Count);
        using Tensor input = batch.Finish();
        float[] values = input.Download(session.Stream);
        peak = session.Pool.PeakBytesInUse;
        return values;
    }
}
