using System.Security.Cryptography;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// Both ways of preprocessing, from the JPEG to the network's input, against PIL, torchvision and OpenCV
/// (tests/fixtures/make_preprocessing_golden.py). PIL rounds to whole levels twice on the way, so one level is allowed.
/// </summary>
public sealed class PreprocessingTests
{
    private const float Rounding = 1e-3f;

    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(
        Environment.GetEnvironmentVariable("SPOS_PREPROCESSING_GOLDEN") ?? Path.Combine(AppContext.BaseDirectory, "fixtures", "preprocessing_golden.json"))).RootElement;

    [Theory]
    [OnEachDevice]
    public void The_whole_picture_equals_libjpeg_turbo_s(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var decoder = new PictureDecoder(session);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            using CompressedPicture picture = CompressedPicture.Decode(row.GetProperty("jpeg").GetBytesFromBase64(), "test");
            string hash = Convert.ToHexStringLower(SHA256.HashData(decoder.DecodeWhole(picture)));
            Assert.True(row.GetProperty("decoded").GetString() == hash, row.GetProperty("name").GetString());
        }
    }

    [Theory]
    [OnEachDevice]
    public void The_official_validation_equals_opencv_s(string device) => Compare(device, "official", Transforms.OfficialValidation, Preprocessing.Spos, 0);

    [Theory]
    [OnEachDevice]
    public void The_standard_validation_is_within_a_level_of_torchvision_s(string device) => Compare(device, "standard", Transforms.Validation, Preprocessing.Standard, 1);

    [Theory]
    [OnEachDevice]
    public void A_resized_crop_is_within_a_level_of_pil_s(string device)
    {
        int next = 0;
        Compare(device, "cropped", (_, _, size) =>
        {
            int[] crop = [.. Golden[next++].GetProperty("crop").EnumerateArray().Select(c => c.GetInt32())];
            return Transforms.Resize(crop[0], crop[1], crop[2], crop[3], size);
        }, Preprocessing.Standard, 1);
    }

    private static void Compare(string device, string field, Func<int, int, int, ImageTransformRecord> transform, Preprocessing preprocessing, float levels)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        using var decoder = new PictureDecoder(session);
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            string name = row.GetProperty("name").GetString()!;
            int size = row.GetProperty("size").GetInt32();
            byte[] expected = row.GetProperty(field).GetBytesFromBase64();
            using CompressedPicture picture = CompressedPicture.Decode(row.GetProperty("jpeg").GetBytesFromBase64(), name);
            ImageTransformRecord record = transform(picture.Header.Width, picture.Header.Height, size);
            using Tensor batch = decoder.Decode([picture], [record], size, preprocessing, preprocessing == Preprocessing.Spos);
            float[] input = batch.Download(session.Stream);
            for (int i = 0; i < input.Length; i++)
            {
                float level = preprocessing == Preprocessing.Spos ? input[i] : 255 * (input[i] * Deviation[i % 3] + Mean[i % 3]);
                Assert.True(Math.Abs(level - expected[i]) <= levels + Rounding, $"{name}, {field} [{i}]: {level} instead of {expected[i]}");
            }
        }
    }
}
