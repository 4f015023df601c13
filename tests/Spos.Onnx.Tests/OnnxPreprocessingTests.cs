using System.Buffers;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Graphs;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Pytorch;

namespace Spos.Onnx.Tests;

/// <summary>Preprocessing in the graph, run by ONNX Runtime, against our own, which equals torchvision's and OpenCV's.</summary>
public sealed class OnnxPreprocessingTests
{
    // What is made larger and smaller, by whole and broken factors, of odd and even rests, upright and not; also twice the resized side,
    // for which OpenCV has code of its own.
    private static readonly (int Width, int Height)[] Sizes =
    [
        (500, 375), (333, 500), (17, 23), (1, 1), (37, 37), (74, 74), (256, 256), (512, 512), (800, 201), (40, 613), (1024, 767),
    ];

    public static TheoryData<bool, int, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<bool, int, int, int>();
            foreach (bool official in new[] { false, true })
            {
                foreach (int size in new[] { 32, 224 })
                {
                    foreach ((int width, int height) in Sizes) cases.Add(official, size, width, height);
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_picture_is_preprocessed_as_for_eval(bool official, int size, int width, int height)
    {
        ExportRecord record = RecordOf(official, size);
        byte[] levels = Levels(width, height, seed: width * height);
        float[] expected = Preprocessed(levels, width, height, record);
        var graph = new OnnxGraph();
        string result = OnnxPreprocessing.Add(graph, OnnxWriter.Pictures, record);
        byte[] model = ProtocolMessage.Of(m =>
        {
            m.Int(1, 8);
            m.Message(7, graph.Build(
                "preprocessing", OnnxGraph.Value(OnnxWriter.Pictures, OnnxGraph.UInt8, ["batch", "height", "width", "3"]),
                OnnxGraph.Value(result, OnnxGraph.Float, ["batch", "3", $"{size}", $"{size}"])));
            m.Message(8, ProtocolMessage.Of(o => o.Int(2, OnnxWriter.OpsetVersion)));
        });
        using var runtime = new InferenceSession(model);
        float[] actual = Run(runtime, levels, 1, width, height);
        // To the bit: the graph does the same whole numbers, and every operation after them is rounded once. From [3, S, S] to [S, S, 3].
        Assert.Equal(expected, Enumerable.Range(0, expected.Length).Select(i => actual[i % 3 * size * size + i / 3]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_network_s_logits_of_pictures_are_those_of_eval(bool official)
    {
        const int width = 61, height = 45, count = 3;
        ExportRecord record = RecordOf(official, TorchFixtures.ImageSize);
        byte[][] pictures = [.. Enumerable.Range(0, count).Select(i => Levels(width, height, i))];
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        byte[] model;
        float[] expected;
        using (session)
        using (network)
        {
            model = OnnxWriter.Bytes(session, network, keepBatchNorm: false, record, takesPictures: true);
            using Engine.Tensors.Tensor images = session.Rent(new(count, record.ImageSize, record.ImageSize, 3));
            images.Upload(session.Stream, [.. pictures.SelectMany(one => Preprocessed(one, width, height, record))]);
            using Engine.Tensors.Tensor logits = network.Forward(Pass.Inference(session), images, network.Path!);
            expected = logits.Download(session.Stream);
        }
        using var runtime = new InferenceSession(model);
        Assert.Equal("pictures", runtime.ModelMetadata.CustomMetadataMap["input"]);
        float[] actual = Run(runtime, [.. pictures.SelectMany(one => one)], count, width, height);
        // Relative to the largest, as of graphs without preprocessing.
        Assert.InRange(TorchFixtures.Error([.. expected.Select(v => (double)v)], actual), 0, 1e-4);
        int classes = expected.Length / count;
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(Order(expected.AsSpan(i * classes, classes)), Order(actual.AsSpan(i * classes, classes)));
        }

        static int[] Order(ReadOnlySpan<float> logits) =>
            [.. logits.ToArray().Index().OrderByDescending(one => one.Item).Select(one => one.Index)];
    }

    [Fact]
    public void Without_a_record_there_is_no_preprocessing()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network)
        {
            Assert.Throws<ArgumentException>(() => OnnxWriter.Bytes(session, network, keepBatchNorm: false, null, takesPictures: true));
        }
    }

    private static ExportRecord RecordOf(bool official, int size) => new()
    {
        ImageSize = size,
        OfficialPreprocessing = official,
        ResizedSide = ValidationSize.ResizedSide(size),
        Mean = official ? [0, 0, 0] : ImageNetStatistics.Mean,
        Deviation = official ? [1, 1, 1] : ImageNetStatistics.Deviation,
    };

    // Edges, slopes and noise: all that rounding could show in.
    private static byte[] Levels(int width, int height, int seed)
    {
        byte[] levels = new byte[width * height * 3];
        new Random(seed).NextBytes(levels);
        for (int i = 0; i < levels.Length; i++)
        {
            (int x, int y) = (i / 3 % width, i / 3 / width);
            if (x * 2 < width) levels[i] = (byte)((x * 255 / Math.Max(1, width) + y * (i % 3 + 1) / 2) & 255);
            else if (y * 3 < height) levels[i] = (byte)(x / 5 % 2 * 255);
        }
        return levels;
    }

    private static float[] Preprocessed(byte[] levels, int width, int height, ExportRecord record)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(levels.Length);
        levels.CopyTo(rented, 0);
        using var picture = new CompressedPicture(width, height, rented, ArrayPool<byte>.Shared, null);
        using var session = new Session(Device.Host);
        using var decoder = new PictureDecoder(session);
        bool official = record.OfficialPreprocessing;
        ImageTransformRecord transform = official
            ? Transforms.OfficialValidation(width, height, record.ImageSize)
            : Transforms.Validation(width, height, record.ImageSize);
        using Engine.Tensors.Tensor batch = decoder.Decode(
            [picture], [transform], record.ImageSize, official ? Preprocessing.Spos : Preprocessing.Standard, fixedPoint: official);
        return batch.Download(session.Stream);
    }

    private static float[] Run(InferenceSession runtime, byte[] levels, int count, int width, int height)
    {
        var input = new DenseTensor<byte>(levels, [count, height, width, 3]);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs =
            runtime.Run([NamedOnnxValue.CreateFromTensor(OnnxWriter.Pictures, input)]);
        return [.. outputs.Single().AsTensor<float>()];
    }
}
