using Spos.Runs.Phases;

namespace Spos.Runs.Proposals;

/// <summary>What was measured of a network on a device.</summary>
/// <param name="Train">Seconds of a training step for each picture and path.</param>
/// <param name="Infer">Seconds of an inference for each picture.</param>
/// <param name="Load">Seconds in which a picture is read, decoded and augmented.</param>
public readonly record struct PictureSeconds(double Train, double Infer, double Load);

/// <summary>About how long the phases take.</summary>
public sealed record PhaseTimes(TimeSpan Supernet, TimeSpan Search, TimeSpan Scratch)
{
    // Recalibration takes statistics besides.
    private const double Recalibration = 1.5;

    public TimeSpan Total => Supernet + Search + Scratch;

    public static PhaseTimes Of(Proposal options, DataFacts data, PictureSeconds seconds)
    {
        // From a cache only a small picture is read, once all of them have been decoded.
        double cached = options.CacheSize is { } side ? Math.Pow((double)side / data.ShortSide, 2) : 1;
        double load = seconds.Load * cached, filling = options.CacheSize == null ? 0 : seconds.Load * (data.Train + data.Val);
        double Steps(double pictures, int paths) => pictures * (seconds.Train * paths + load);
        double Scored(double calibrated, double measured) => seconds.Infer * (Recalibration * calibrated + measured);
        double supernet = filling + Steps((double)options.Epochs * options.Pictures.Supernet, options.PathsPerStep)
            + SupernetSpec.DefaultRandomPaths * Scored(Math.Min(SupernetTraining.CalibrationPictures, options.Pictures.Supernet), data.Val);
        double search = (double)options.Population * options.Generations
            * Scored((double)options.CalibrationBatch * options.CalibrationBatches, options.Pictures.All - options.Pictures.Supernet);
        double scratch = Steps((double)options.ScratchEpochs * options.Pictures.All, 1)
            + (double)options.ScratchEpochs / options.ValFrequency * data.Val * (seconds.Infer + load);
        return new PhaseTimes(TimeSpan.FromSeconds(supernet), TimeSpan.FromSeconds(search), TimeSpan.FromSeconds(scratch));
    }

    /// <summary>A time in words, as exact as an estimate is.</summary>
    public static string Words(TimeSpan time) => time switch
    {
        { TotalMinutes: < 1 } => "less than a minute",
        { TotalMinutes: < 90 } => $"about {Math.Round(time.TotalMinutes):0} min",
        { TotalHours: < 48 } => $"about {time.TotalHours:0.#} h",
        _ => $"about {time.TotalDays:0.#} days",
    };
}
