using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>What tests/fixtures/make_torch_checkpoints.py wrote.</summary>
internal static class TorchFixtures
{
    public const int ImageSize = 32, Batch = 4;

    private static readonly JsonDocument Document = JsonDocument.Parse(File.ReadAllText(At("torch_golden.json")));

    /// <summary>A record that an export of the fixtures' network may carry, with names that need care.</summary>
    public static ExportRecord Record { get; } = new()
    {
        ImageSize = ImageSize,
        OfficialPreprocessing = false,
        ResizedSide = 37,
        Classes = 5,
        Top1 = 0.625,
        Dropout = 0.25f,
        ClassNames = ["cat", "chien", "犬 \"quoted\"", "a\nb", "5"],
        Architecture = new Architecture([1, 2, 0, 3, 2]),
        Flops = 123,
        Mean = [0.485f, 0.456f, 0.406f],
        Deviation = [0.229f, 0.224f, 0.225f],
    };

    public static JsonElement Golden => Document.RootElement;

    public static string At(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    /// <summary>The network of a checkpoint; the caller disposes of both.</summary>
    public static (Session Session, ShuffleNetV2OneShot Network) Import(string file)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(tensors, ImageSize, file);
        var session = new Session(Device.Host);
        var network = new ShuffleNetV2OneShot(session, spec with { Dropout = 0 }, path);
        OfficialNetwork.Load(checkpoint, tensors, session, network, file);
        return (session, network);
    }

    /// <summary>The formula of official_network.images, in NHWC.</summary>
    public static float[] Images(int count = Batch, int first = 0)
    {
        float[] values = new float[count * ImageSize * ImageSize * 3];
        int i = 0;
        for (int n = first; n < first + count; n++)
        {
            for (int y = 0; y < ImageSize; y++)
            {
                for (int x = 0; x < ImageSize; x++)
                {
                    for (int c = 0; c < 3; c++) values[i++] = (float)Math.Sin(0.9 * n + 1.7 * c + 0.23 * y + 0.41 * x + 0.003 * x * y);
                }
            }
        }
        return values;
    }

    public static float[] Logits(Session session, ShuffleNetV2OneShot network, Architecture path, BatchNormMode mode)
    {
        Pass pass = mode == BatchNormMode.Running ? Pass.Inference(session) : Pass.Recalibration(session);
        using Tensor images = session.Rent(new Shape(Batch, ImageSize, ImageSize, 3));
        images.Upload(session.Stream, Images());
        using Tensor logits = network.Forward(pass, images, path);
        return logits.Download(session.Stream);
    }

    public static double[] Numbers(JsonElement rows) =>
    [
        .. rows.EnumerateArray()
            .SelectMany(r => r.ValueKind == JsonValueKind.Array ? r.EnumerateArray().Select(v => v.GetDouble()) : [r.GetDouble()]),
    ];

    /// <summary>The largest difference, in parts of the largest expected value.</summary>
    public static double Error(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        return expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs);
    }
}
