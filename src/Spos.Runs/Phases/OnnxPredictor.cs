using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Pytorch;
using Spos.Engine.Training;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>An ONNX graph that spos export wrote, run by ONNX Runtime on the CPU.</summary>
internal sealed class OnnxPredictor : IPredictor
{
    private readonly PredictionSpec _spec;
    private readonly OnnxFile _file;
    private readonly OnnxRuntime _runtime;
    private OnnxRuntime.Graph? _graph;
    private Device? _device;

    /// <exception cref="SposException">It cannot be read, options do not fit it, or ONNX Runtime is not there.</exception>
    public OnnxPredictor(PredictionSpec spec)
    {
        _spec = spec;
        RequireOptions(spec);
        _file = OnnxFile.Read(File);
        // What is fed to the network here are the ways of this program.
        if (Record.DifferenceInPictures(PreprocessingRecord.WithPictures(Record)) is { } difference)
        {
            throw new TorchCheckpointException($"{File}: it wants pictures fed in a way that this program does not have: {difference}.");
        }
        Classes = Record.Classes ?? Record.ClassNames?.Count ?? throw new TorchCheckpointException(
            $"{File}: it does not say how many classes it has. Export the network again.");
        if (Record.ClassNames != null && Record.ClassNames.Count != Classes)
        {
            throw new TorchCheckpointException($"{File}: it names {Record.ClassNames.Count} classes, and says that it has {Classes}.");
        }
        _runtime = new OnnxRuntime();
    }

    public string File => _spec.Checkpoint;

    public Architecture? Path => Record.Architecture;

    public bool? IsAveraged => null;

    public int Classes { get; }

    public IReadOnlyList<string>? ClassNames => Record.ClassNames;

    private ExportRecord Record => _file.Record;

    private string Input => _file.TakesPictures ? OnnxWriter.Pictures : OnnxWriter.Images;

    public void Load(Device device)
    {
        _device = device;
        _graph = Named(() => _runtime.Load(_file.Bytes, Input, OnnxWriter.Logits, device.Threads));
    }

    public void Predict(ImageFolder pictures, DamageReport damage, Action<int[], float[]> tell, CancellationToken cancel)
    {
        if (_file.TakesPictures) PredictWhole(pictures, damage, tell, cancel);
        else PredictBatches(pictures, damage, tell, cancel);
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _runtime.Dispose();
    }

    private void RequireOptions(PredictionSpec spec)
    {
        string? odd = spec.Weights != WeightKind.Best ? "--weights"
            : spec.Precision != Precision.Fp32 ? "--precision"
            : spec.Plan != ConvolutionPlan.Fused ? "--plan"
            : spec.Data.OfficialPreprocessing ? $"--{PreprocessingRecord.Option}"
            : null;
        if (odd != null) throw new UsageException($"{odd} is of checkpoints, and {File} is an ONNX graph. Leave the option out.");
    }

    // One by one, since pictures differ in size.
    private void PredictWhole(ImageFolder pictures, DamageReport damage, Action<int[], float[]> tell, CancellationToken cancel)
    {
        using var whole = new WholePictures(_device!, pictures, damage);
        foreach (ImageFolder.Sample sample in pictures.Samples)
        {
            cancel.ThrowIfCancellationRequested();
            if (whole.Read(sample.Number) is not var (width, height, levels)) continue;
            using OnnxRuntime.Tensor<byte> input = _runtime.NewTensor<byte>(1, height, width, 3);
            levels.CopyTo(input.Values);
            tell([sample.Number], LogitsOf(input, 1));
        }
    }

    private void PredictBatches(ImageFolder pictures, DamageReport damage, Action<int[], float[]> tell, CancellationToken cancel)
    {
        int size = Record.ImageSize;
        Preprocessing preprocessing = Record.OfficialPreprocessing ? Preprocessing.Spos : Preprocessing.Standard;
        using Session session = DeviceUse.NewSession(_device!, _spec.Plan);
        using BatchSource batches = new EvaluationData(_device!, size, _spec.Data, preprocessing, damage)
            .Test(pictures, _spec.BatchSize, keeps: false);
        foreach (Batch batch in batches.Until(cancel))
        {
            batch.ReadOn(session.Stream);
            int[] places = new int[batch.Count];
            batch.Labels.Download(session.Stream, places);
            using OnnxRuntime.Tensor<float> input = _runtime.NewTensor<float>(batch.Count, 3, size, size);
            ToPlanes(batch.Images.Download(session.Stream), input.Values, size * size);
            tell(places, LogitsOf(input, batch.Count));
        }
    }

    // From [N, S, S, 3] to [N, 3, S, S].
    private static void ToPlanes(float[] pixels, Span<float> planes, int area)
    {
        for (int i = 0; i < pixels.Length; i++) planes[(i / 3 / area * 3 + i % 3) * area + i / 3 % area] = pixels[i];
    }

    private float[] LogitsOf(OnnxRuntime.Tensor input, int count) => Named(() =>
    {
        using OnnxRuntime.Tensor<float> logits = _runtime.NewTensor<float>(count, Classes);
        _graph!.Run(input, logits);
        return logits.Values.ToArray();
    });

    // What the runtime says names no file.
    private T Named<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (OnnxRuntimeException error)
        {
            throw new OnnxRuntimeException($"{File}: {error.Message}");
        }
    }
}
