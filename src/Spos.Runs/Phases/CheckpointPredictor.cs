using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A checkpoint of a single path.</summary>
internal sealed class CheckpointPredictor : IPredictor
{
    private readonly PredictionSpec _spec;
    private readonly CheckpointReader _reader;
    private readonly Architecture _path;
    private Session? _session;
    private ShuffleNetV2OneShot? _network;

    /// <exception cref="SposException">It cannot be read, or is a supernet's.</exception>
    public CheckpointPredictor(PredictionSpec spec, Action<string> warn)
    {
        _spec = spec;
        _reader = CheckpointFolder.Open(spec.Checkpoint, warn);
        try
        {
            _path = Header.Path ?? throw new UsageException(
                $"{File} is a supernet, whose paths are not for use as they are. Train one by spos scratch, and name its folder.");
            ShuffleNetV2OneShot.Require(spec.Precision, Header.Spec, _path);
        }
        catch
        {
            _reader.Dispose();
            throw;
        }
    }

    public string File => _reader.Path;

    public Architecture Path => _path;

    public bool? IsAveraged { get; private set; }

    public int Classes => Header.Classes;

    public IReadOnlyList<string>? ClassNames => Header.ClassNames;

    private CheckpointHeader Header => _reader.Header;

    public void Load(Device device)
    {
        _session = DeviceUse.NewSession(device, _spec.Plan, _spec.Precision);
        _network = new ShuffleNetV2OneShot(_session, Header.Spec, _path);
        IsAveraged = TrainedWeights.Load(_reader, _session, _network, _spec.Weights);
    }

    public void Predict(ImageFolder pictures, DamageReport damage, Action<int[], float[]> tell, CancellationToken cancel)
    {
        var data = new EvaluationData(_session!.Device, Header.Spec.ImageSize, _spec.Data, _spec.Data.PreprocessingOf(Header), damage);
        using BatchSource batches = data.Test(pictures, _spec.BatchSize, keeps: false);
        Evaluator.Predict(_session, _network!, _path, batches.Until(cancel), tell);
    }

    public void Dispose()
    {
        _network?.Dispose();
        _session?.Dispose();
        _reader.Dispose();
    }
}
