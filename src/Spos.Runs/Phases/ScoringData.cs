using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Training;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>The pictures that the paths of a supernet are scored on.</summary>
internal sealed class ScoringData : IDisposable
{
    private readonly DataSpec _data;
    private readonly Device _device;
    private ScoringData(
        DataSpec data, Device device, ImageFolder all, ImageFolder val, ImageFolder selection, Func<ulong, BatchSource> calibrationOf,
        BatchSource test, DamageReport damage)
    {
        (_data, _device, All, Val, Selection, CalibrationOf) = (data, device, all, val, selection, calibrationOf);
        (Calibration, Test, Damage) = (calibrationOf(data.Seed), test, damage);
    }

    /// <summary>Train, with what is held out of it.</summary>
    public ImageFolder All { get; }

    public ImageFolder Val { get; }

    /// <summary>Those that paths are compared on.</summary>
    public ImageFolder Selection { get; }

    /// <summary>Batches that a path is recalibrated on.</summary>
    public BatchSource Calibration { get; }

    /// <summary>Makes batches of the training pictures that a seed chooses; they are the caller's.</summary>
    public Func<ulong, BatchSource> CalibrationOf { get; }

    /// <summary>Batches of <see cref="Selection"/>.</summary>
    public BatchSource Test { get; }

    public DamageReport Damage { get; }

    /// <summary>What tells the data set from others.</summary>
    public DataRecord Record => DataRecord.Of(All, Val);

    public string[] ClassNames => [.. All.Classes];

    /// <exception cref="SposException">They cannot be had, or are not the supernet's.</exception>
    public static ScoringData Open(
        DataSpec data, ScoringSpec scoring, ScoredSupernet supernet, Device device, IRunObserver observer)
    {
        (ImageFolder all, ImageFolder val) = data.OpenBoth(observer);
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, data.AcceptChanged, observer.Warn);
        var damage = new DamageReport(observer.Warn);
        var pictures = new EvaluationData(device, supernet.Spec.ImageSize, data, data.PreprocessingOf(supernet.Header), damage);
        return new ScoringData(
            data, device, all, val, selection,
            seed => pictures.Calibration(train, scoring.TrainIters, scoring.TrainBatchSize, seed),
            pictures.Test(selection, scoring.TestBatchSize), damage);
    }

    /// <summary>Makes the cache of pictures that is asked for, if any.</summary>
    /// <returns>Whether it came to its end.</returns>
    public bool Cache(IRunObserver observer, CancellationToken cancel) =>
        PictureCaches.Make(_data, _device, observer, cancel, All, Val);

    public void Dispose()
    {
        Calibration.Dispose();
        Test.Dispose();
    }
}
