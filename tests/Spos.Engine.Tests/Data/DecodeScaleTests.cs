using System.Security.Cryptography;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// JPEGs that are decoded to a part of their size, against Pillow's draft mode (tests/fixtures/make_decode_scale_golden.py): equal, bit
/// for bit.
/// </summary>
public sealed class DecodeScaleTests
{
    private const int Size = 16;

    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "decode_scale_golden.json"))).RootElement;

    [Theory]
    [OnEachDevice]
    public void The_picture_and_its_crops_equal_pillow_s(string name)
    {
        using var decoding = new Decoding(name);
        int crops = 0;
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            byte[] file = row.GetProperty("jpeg").GetBytesFromBase64();
            string[] decoded = [.. row.GetProperty("decoded").EnumerateArray().Select(d => d.GetString()!)];
            for (int halvings = 1; halvings <= decoded.Length; halvings++)
            {
                using CompressedPicture whole = Decoding.Halved(file, halvings);
                Assert.Equal(decoded[halvings - 1], Convert.ToHexStringLower(SHA256.HashData(decoding.Decoder.DecodeWhole(whole))));
            }
            foreach (JsonElement crop in row.GetProperty("crops").EnumerateArray())
            {
                int[] box = [.. crop.GetProperty("crop").EnumerateArray().Select(v => v.GetInt32())];
                ImageTransformRecord transform = Transforms.Resize(box[0], box[1], box[2], box[3], Size);
                transform.Halvings = crop.GetProperty("halvings").GetInt32();
                byte[] expected = crop.GetProperty("resized").GetBytesFromBase64();
                // The whole picture and the part that the crop needs.
                using CompressedPicture whole = Decoding.Halved(file, transform.Halvings), part = CompressedPicture.Decode(
                    file, "test", (_, _) => new PictureView(Transforms.RegionOf(transform, Size), transform.Halvings));
                Assert.Equal(expected, Levels(decoding, whole, transform));
                Assert.Equal(expected, Levels(decoding, part, transform));
                crops++;
            }
        }
        Assert.Equal(4 * 3 * 4, crops);
    }

    [Theory]
    [InlineData(63, 63, 0)]
    [InlineData(64, 64, 1)]
    [InlineData(500, 127, 1)]
    [InlineData(128, 500, 2)]
    [InlineData(256, 256, 3)]
    [InlineData(4000, 4000, 3)]
    [InlineData(10, 20, 0)]
    public void A_picture_is_halved_while_its_crop_has_enough_pixels(int width, int height, int halvings) =>
        Assert.Equal(halvings, Transforms.HalvingsOf(Transforms.Resize(3, 5, width, height, 32)));

    // Of what is a picture without halving: large JPEGs alone are halved.
    [Theory]
    [InlineData(60, Preprocessing.Standard, true, true)]
    [InlineData(200, Preprocessing.Standard, true, false)]
    [InlineData(200, Preprocessing.Standard, false, false)]
    [InlineData(200, Preprocessing.Spos, true, false)]
    [InlineData(200, Preprocessing.Spos, false, true)]
    public void The_loader_halves_what_is_large_enough(int side, Preprocessing preprocessing, bool trains, bool same)
    {
        using var files = new TemporaryDataSet(1, 3, side);
        ImageFolder data = ImageFolder.Open(files.Root);
        float[] usual = Load(false), scaled = Load(true);
        Assert.Equal(same, usual.SequenceEqual(scaled));
        // A level is 1/255 of the range; deviations are 0.225 or more.
        double level = preprocessing == Preprocessing.Spos ? 1 : 1 / (255 * 0.225);
        Assert.InRange(usual.Zip(scaled, (a, b) => Math.Abs(a - b)).Average() / level, 0, 12);

        float[] Load(bool scale)
        {
            var options = new LoaderOptions
            {
                ImageSize = 32,
                BatchSize = 3,
                Preprocessing = preprocessing,
                DecodeScale = scale,
                Augmentation = trains ? new Augmentation { MinArea = 1, Jitter = 0 } : null,
            };
            return Assert.Single(LoaderTests.Load(data, options));
        }
    }

    // Red, green and blue of the input.
    private static byte[] Levels(Decoding decoding, CompressedPicture picture, ImageTransformRecord transform)
    {
        float[] levels = decoding.Input(picture, transform, Size, Preprocessing.Spos);
        return [.. levels.Select((_, i) => (byte)levels[i + 2 - 2 * (i % 3)])];
    }
}
