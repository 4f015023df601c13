using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Pytorch;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// Both ways of preprocessing, from the JPEG to the network's input and its logits, against PIL, torchvision, OpenCV and PyTorch
/// (tests/fixtures/make_preprocessing_golden.py): the input is equal, bit for bit.
/// </summary>
public sealed class PreprocessingTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(
        Environment.GetEnvironmentVariable("SPOS_PREPROCESSING_GOLDEN")
        ?? Path.Combine(AppContext.BaseDirectory, "fixtures", "preprocessing_golden.json"))).RootElement;

    [Theory]
    [OnEachDevice]
    public void The_whole_picture_equals_libjpeg_turbo_s(string device)
    {
        using var decoding = new Decoding(device);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            using CompressedPicture picture = Picture(row);
            Assert.True(Text(row, "decoded") == Digest(decoding.Decoder.DecodeWhole(picture)), Text(row, "name"));
        }
    }

    [Theory]
    [OnEachDevice]
    public void The_official_validation_equals_opencv_s(string device)
    {
        using var decoding = new Decoding(device);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            byte[] expected = row.GetProperty("official").GetBytesFromBase64();
            float[] input = Input(decoding, row, Transforms.OfficialValidation, Preprocessing.Spos, fixedPoint: true);
            for (int i = 0; i < input.Length; i++)
            {
                Assert.True(expected[i] == input[i], $"{Text(row, "name")} [{i}]: {input[i]} instead of {expected[i]}");
            }
        }
    }

    [Theory]
    [OnEachDevice]
    public void The_standard_validation_equals_torchvision_s(string device)
    {
        using var decoding = new Decoding(device);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            byte[] expected = row.GetProperty("standard").GetBytesFromBase64();
            float[] levels = Input(decoding, row, Transforms.Validation, Preprocessing.Spos);
            // Blue, green, red.
            for (int i = 0; i < levels.Length; i++)
            {
                Assert.True(
                    expected[i + 2 - 2 * (i % 3)] == levels[i],
                    $"{Text(row, "name")} [{i}]: {levels[i]} instead of {expected[i + 2 - 2 * (i % 3)]}");
            }
            Assert.True(
                Text(row, "normalised") == Digest(Input(decoding, row, Transforms.Validation, Preprocessing.Standard)), Text(row, "name"));
        }
    }

    [Theory]
    [OnHostAndSimt]
    public void Training_s_crop_flip_and_jitter_equal_torchvision_s(string device)
    {
        using var decoding = new Decoding(device);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            foreach (JsonElement trained in row.GetProperty("trained").EnumerateArray())
            {
                ImageTransformRecord Transform(int width, int height, int size)
                {
                    int[] crop = Integers(trained, "crop"), order = Integers(trained, "order");
                    float[] factors = [.. trained.GetProperty("factors").EnumerateArray().Select(f => f.GetSingle())];
                    ImageTransformRecord record = Transforms.Resize(crop[0], crop[1], crop[2], crop[3], size);
                    record.Flip = trained.GetProperty("flip").GetInt32();
                    (record.Brightness, record.Contrast, record.Saturation) = (factors[0], factors[1], factors[2]);
                    record.Order = order[0] | (order[1] << 2) | (order[2] << 4);
                    return record;
                }
                Assert.True(
                    Text(trained, "spos") == Digest(Input(decoding, row, Transform, Preprocessing.Spos)),
                    $"{Text(row, "name")}, {trained}");
                Assert.True(
                    Text(trained, "standard") == Digest(Input(decoding, row, Transform, Preprocessing.Standard)),
                    $"{Text(row, "name")}, {trained}, normalised");
            }
        }
    }

    [Fact]
    public void Logits_of_an_imported_network_equal_pytorch_s()
    {
        using var decoding = new Decoding("host");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network)
        {
            foreach (JsonElement row in Golden.EnumerateArray().Where(r => r.GetProperty("size").GetInt32() == TorchFixtures.ImageSize))
            {
                using Tensor images = session.Rent(new Shape(1, TorchFixtures.ImageSize, TorchFixtures.ImageSize, 3));
                images.Upload(session.Stream, Input(decoding, row, Transforms.Validation, Preprocessing.Standard));
                using Tensor logits = network.Forward(Pass.Inference(session), images, network.Path!);
                // The input is equal. What is left is the network's own single precision.
                double error = TorchFixtures.Error(TorchFixtures.Numbers(row.GetProperty("logits")), logits.Download(session.Stream));
                Assert.True(error < 1e-5, $"{Text(row, "name")}: {error}");
            }
        }
    }

    private static CompressedPicture Picture(JsonElement row) =>
        CompressedPicture.Decode(row.GetProperty("jpeg").GetBytesFromBase64(), Text(row, "name"));

    private static string Text(JsonElement row, string field) => row.GetProperty(field).GetString()!;

    private static int[] Integers(JsonElement row, string field) => [.. row.GetProperty(field).EnumerateArray().Select(v => v.GetInt32())];

    private static string Digest<T>(T[] values)
        where T : unmanaged => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<T>(values)));

    private static float[] Input(
        Decoding decoding, JsonElement row, Func<int, int, int, ImageTransformRecord> transform, Preprocessing preprocessing,
        bool fixedPoint = false)
    {
        int size = row.GetProperty("size").GetInt32();
        using CompressedPicture picture = Picture(row);
        return decoding.Input(picture, transform(picture.Width, picture.Height, size), size, preprocessing, fixedPoint);
    }
}
