using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Training;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>The pictures that the paths of a supernet are scored on.</summary>
internal sealed class ScoringData : IDisposable
{
    /// <summary>The most paths that are scored together.</summary>
    public const int Together = 64;

    private readonly DataSpec _data;
    private readonly Device _device;
    private readonly ImageFolder _all, _val;

    private ScoringData(
        DataSpec data, Device device, ImageFolder all, ImageFolder val, ImageFolder selection, BatchSource calibration, BatchSource test,
        DamageReport damage)
    {
        (_data, _device, _all, _val, Selection) = (data, device, all, val, selection);
        (Calibration, Test, Damage) = (calibration, test, damage);
    }

    /// <summary>Those that paths are compared on.</summary>
    public ImageFolder Selection { get; }

    /// <summary>Batches that a path is recalibrated on.</summary>
    public BatchSource Calibration { get; }

    /// <summary>Batches of <see cref="Selection"/>.</summary>
    public BatchSource Test { get; }

    public DamageReport Damage { get; }

    /// <summary>What tells the data set from others.</summary>
    public DataRecord Record => DataRecord.Of(_all, _val);

    public string[] ClassNames => [.. _all.Classes];

    /// <exception cref="SposException">They cannot be had, or are not the supernet's.</exception>
    public static ScoringData Open(ShrinkSpec spec, ScoredSupernet supernet, Device device, IRunObserver observer)
    {
        (DataSpec data, ScoringSpec scoring) = (spec.Setup.Data, spec.Scoring);
        (ImageFolder all, ImageFolder val) = data.OpenBoth(observer);
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, data.AcceptChanged, observer.Warn);
        var damage = new DamageReport(observer.Warn);
        var pictures = new EvaluationData(device, supernet.Spec.ImageSize, data, data.PreprocessingOf(supernet.Header), damage);
        return new ScoringData(
            data, device, all, val, selection, pictures.Calibration(train, scoring.TrainIters, scoring.TrainBatchSize, data.Seed),
            pictures.Test(selection, scoring.TestBatchSize), damage);
    }

    /// <summary>Makes the cache of pictures that is asked for, if any.</summary>
    /// <returns>Whether it came to its end.</returns>
    public bool Cache(IRunObserver observer, CancellationToken cancel) =>
        PictureCaches.Make(_data, _device, observer, cancel, _all, _val);

    public void Dispose()
    {
        Calibration.Dispose();
        Test.Dispose();
    }
}
