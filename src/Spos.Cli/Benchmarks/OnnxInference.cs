using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Native;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Cli.Benchmarks;

/// <summary>
/// Inference by ONNX Runtime of what spos export writes: each path is exported, and made ready with all of the runtime's optimisations.
/// </summary>
internal sealed class OnnxInference : IInference
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _supernet;
    private readonly int _threads;
    private readonly OnnxRuntime _runtime;
    private readonly OnnxRuntime.Tensor<float> _images;
    private readonly OnnxRuntime.Tensor<float> _logits;

    /// <param name="session">On the CPU; networks are made in it.</param>
    /// <param name="runtime">Not disposed of by this.</param>
    /// <param name="threads">Those that ONNX Runtime is given.</param>
    /// <exception cref="OnnxRuntimeException">A batch is too large.</exception>
    public OnnxInference(Session session, OnnxRuntime runtime, NetworkSpec spec, int batch, int threads)
    {
        (_session, _runtime, _threads) = (session, runtime, threads);
        // What weights are does not matter, as long as they are none of zeros and denormals, with which processors have another pace.
        _supernet = new ShuffleNetV2OneShot(session, spec);
        Initialisation.Initialise(_supernet, session.Stream, 1, InitialisationScheme.Official);
        _images = runtime.NewTensor<float>(batch, 3, spec.ImageSize, spec.ImageSize);
        _logits = runtime.NewTensor<float>(batch, spec.Classes);
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        foreach (ref float pixel in _images.Values) pixel = random.NextNormal();
    }

    public double[] Time(Architecture path, int runs)
    {
        using OnnxRuntime.Graph graph = Ready(path);
        return IInference.TimeOf(() => graph.Run(_images, _logits), runs);
    }

    public void Dispose()
    {
        _logits.Dispose();
        _images.Dispose();
        _supernet.Dispose();
    }

    private OnnxRuntime.Graph Ready(Architecture path)
    {
        using var network = new ShuffleNetV2OneShot(_session, _supernet.Spec, path);
        Inheritance.Copy(_session, _supernet, network, classifier: true);
        byte[] model = OnnxWriter.Bytes(_session, network, keepBatchNorm: false);
        return _runtime.Load(model, OnnxWriter.Images, OnnxWriter.Logits, _threads);
    }
}
