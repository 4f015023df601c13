using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Spos.Engine.Autograd;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Pytorch;

namespace Spos.Onnx.Tests;

/// <summary>Exported graphs, run by ONNX Runtime.</summary>
public sealed class OnnxWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-onnx-").FullName;

    [Theory]
    [InlineData("torch_single_zip.pth", false)]
    [InlineData("torch_single_zip.pth", true)]
    [InlineData("torch_single_plus.pth", false)]
    [InlineData("torch_single_plus.pth", true)]
    [InlineData("torch_single_published.pth.tar", false)]
    [InlineData("torch_single_published.pth.tar", true)]
    public void A_graph_gives_the_network_s_logits(string checkpoint, bool keepBatchNorm)
    {
        string file = Path.Combine(_folder, "network.onnx");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At(checkpoint));
        float[] expected;
        using (session)
        using (network)
        {
            OnnxWriter.Save(file, session, network, keepBatchNorm);
            expected = TorchFixtures.Logits(session, network, network.Path!, BatchNormMode.Running);
        }
        using var runtime = new InferenceSession(file);
        float[] images = TorchFixtures.Images();
        const int size = TorchFixtures.ImageSize;
        // The batch's size is open: all images at once, and the first alone.
        foreach (int batch in new[] { TorchFixtures.Batch, 1 })
        {
            var input = new DenseTensor<float>([batch, 3, size, size]);
            for (int i = 0; i < batch * size * size * 3; i++)
            {
                input[i / 3 / size / size, i % 3, i / 3 / size % size, i / 3 % size] = images[i];
            }
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs =
                runtime.Run([NamedOnnxValue.CreateFromTensor("images", input)]);
            float[] logits = [.. outputs.Single().AsTensor<float>()];
            Assert.InRange(TorchFixtures.Error([.. expected.Take(logits.Length).Select(v => (double)v)], logits), 0, 1e-4);
        }
    }

    [Fact]
    public void A_graph_carries_the_record()
    {
        string file = Path.Combine(_folder, "network.onnx");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network) OnnxWriter.Save(file, session, network, keepBatchNorm: false, TorchFixtures.Record);
        using var runtime = new InferenceSession(file);
        Assert.Equal(
            TorchFixtures.Record.ToMetadata().Append(new("input", "images")).OrderBy(e => e.Key),
            runtime.ModelMetadata.CustomMetadataMap.OrderBy(e => e.Key));
    }

    [Fact]
    public void A_supernet_is_no_graph()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        using (session)
        using (network) Assert.Throws<ArgumentException>(() => OnnxWriter.Save(Path.Combine(_folder, "x.onnx"), session, network, false));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
