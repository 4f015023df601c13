using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Spos.Engine.Autograd;
using Spos.Engine.Native;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Pytorch;
using OnnxRuntimeException = Spos.Engine.Native.OnnxRuntimeException;

namespace Spos.Onnx.Tests;

/// <summary>Our binding of ONNX Runtime's C interface, against Microsoft's own for .NET.</summary>
public sealed class OnnxRuntimeTests
{
    private const int Batch = 2, Size = TorchFixtures.ImageSize;

    // The library that comes with Microsoft's binding.
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "runtimes/linux-x64/native");

    public OnnxRuntimeTests() => Environment.SetEnvironmentVariable("SPOS_ONNXRUNTIME", Folder);

    [Fact]
    public void A_graph_gives_the_bits_that_it_gives_by_the_library_s_own_binding()
    {
        byte[] model = Model();
        using var theirs = new InferenceSession(model, new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 });
        using var runtime = new OnnxRuntime();
        Assert.Equal(OrtEnv.Instance().GetVersionString(), runtime.Version);
        Assert.Equal(Path.Combine(Folder, "libonnxruntime.so"), runtime.Path);
        using OnnxRuntime.Graph graph = runtime.Load(model, OnnxWriter.Images, OnnxWriter.Logits, threads: 1);
        using OnnxRuntime.Tensor<float> images = runtime.NewTensor<float>(Batch, 3, Size, Size);
        using OnnxRuntime.Tensor<float> logits = runtime.NewTensor<float>(Batch, theirs.OutputMetadata.Single().Value.Dimensions[^1]);
        var random = new Random(1);
        // Twice: nothing of the first run is left in the second.
        for (int run = 0; run < 2; run++)
        {
            foreach (ref float value in images.Values) value = 4 * random.NextSingle() - 2;
            graph.Run(images, logits);
            var input = new DenseTensor<float>(images.Values.ToArray(), [Batch, 3, Size, Size]);
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs =
                theirs.Run([NamedOnnxValue.CreateFromTensor(OnnxWriter.Images, input)]);
            Assert.Equal([.. outputs.Single().AsTensor<float>()], logits.Values.ToArray());
            Assert.True(logits.Values.ToArray().Distinct().Count() > 1);
        }
    }

    [Fact]
    public void What_it_refuses_is_told()
    {
        using var runtime = new OnnxRuntime();
        string told = Assert.Throws<OnnxRuntimeException>(
            () => runtime.Load([1, 2, 3], OnnxWriter.Images, OnnxWriter.Logits, threads: 1)).Message;
        Assert.StartsWith($"ONNX Runtime {runtime.Version}: CreateSessionFromArray failed: ", told, StringComparison.Ordinal);
        using OnnxRuntime.Graph graph = runtime.Load(Model(), OnnxWriter.Images, OnnxWriter.Logits, threads: 1);
        // Pictures of another size.
        using OnnxRuntime.Tensor<float> images = runtime.NewTensor<float>(1, 3, Size + 1, Size), logits = runtime.NewTensor<float>(1, 2);
        Assert.Contains(
            "Run failed: ", Assert.Throws<OnnxRuntimeException>(() => graph.Run(images, logits)).Message, StringComparison.Ordinal);
        Assert.Throws<OnnxRuntimeException>(() => runtime.NewTensor<float>(65_536, 3, 2048, 2048));
    }

    private static byte[] Model()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network) return OnnxWriter.Bytes(session, network, keepBatchNorm: false);
    }
}
