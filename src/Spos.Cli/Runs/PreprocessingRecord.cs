using Spos.Engine.Checkpoints;
using Spos.Engine.Data;

namespace Spos.Cli.Runs;

/// <summary>How checkpoints and the files of runs tell the preprocessing that a network was trained with: as an option's value.</summary>
internal static class PreprocessingRecord
{
    /// <summary>The option, and the name under which its value is kept.</summary>
    public const string Option = "spos-preprocessing";

    /// <summary>The value that is kept.</summary>
    public static string ValueOf(Preprocessing preprocessing) => $"{preprocessing == Preprocessing.Spos}";

    /// <summary>What a value that was kept says; where none was kept, preprocessing is standard.</summary>
    public static Preprocessing Read(string? value) => value == ValueOf(Preprocessing.Spos) ? Preprocessing.Spos : Preprocessing.Standard;

    /// <summary>What a checkpoint's network was trained with.</summary>
    public static Preprocessing Of(CheckpointHeader? header) => Read(header?.Options.GetValueOrDefault(Option));
}
