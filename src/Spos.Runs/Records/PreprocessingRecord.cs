using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Pytorch;

namespace Spos.Runs.Records;

/// <summary>How checkpoints and the files of runs tell the preprocessing that a network was trained with: as an option's value.</summary>
public static class PreprocessingRecord
{
    /// <summary>The option, and the name under which its value is kept.</summary>
    public const string Option = "spos-preprocessing";

    /// <summary>The value that is kept.</summary>
    public static string ValueOf(Preprocessing preprocessing) => $"{preprocessing == Preprocessing.Spos}";

    /// <summary>What a value that was kept says; where none was kept, preprocessing is standard.</summary>
    public static Preprocessing Read(string? value) => value == ValueOf(Preprocessing.Spos) ? Preprocessing.Spos : Preprocessing.Standard;

    /// <summary>What a checkpoint's network was trained with.</summary>
    public static Preprocessing Of(CheckpointHeader? header) => Read(header?.Options.GetValueOrDefault(Option));

    /// <summary>Options as they are recorded of a run that takes the official code's preprocessing from elsewhere.</summary>
    public static IReadOnlyList<RunOption> Official(IReadOnlyList<RunOption> options) =>
        [.. options.Select(option => option.Name == Option ? option with { Value = ValueOf(Preprocessing.Spos) } : option)];

    /// <summary>An exported file's record with how its preprocessing resizes pictures, and what it subtracts and divides by.</summary>
    public static ExportRecord WithPictures(ExportRecord record)
    {
        var plain = new ExportRecord { ImageSize = record.ImageSize, OfficialPreprocessing = record.OfficialPreprocessing };
        return record with
        {
            ChannelOrder = plain.ChannelOrder,
            ValueRange = plain.ValueRange,
            ResizedSide = ValidationSize.ResizedSide(record.ImageSize),
            Interpolation = plain.Interpolation,
            Crop = plain.Crop,
            Mean = record.OfficialPreprocessing ? plain.Mean : ImageNetStatistics.Mean,
            Deviation = record.OfficialPreprocessing ? plain.Deviation : ImageNetStatistics.Deviation,
        };
    }
}
