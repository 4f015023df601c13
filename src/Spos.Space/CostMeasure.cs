using System.Globalization;

namespace Spos.Space;

/// <summary>What a cost measures, and how people read it.</summary>
/// <param name="Name">What it is called, such as "FLOPs".</param>
/// <param name="FieldName">What files call it.</param>
/// <param name="Unit">What a cost is divided by to be read.</param>
/// <param name="Suffix">What that unit is called, right after the number, such as "M".</param>
/// <param name="UnitName">The same in words, such as "millions".</param>
/// <param name="Counted">What follows in a sentence, such as "of latency"; null for the name.</param>
public sealed record CostMeasure(
    string Name, string FieldName, double Unit, string Suffix, string UnitName, string? Counted = null)
{
    /// <summary>What files call each.</summary>
    public const string FlopsField = "flops", ParametersField = "parameters", LatencyField = "latency";

    /// <summary>Multiply-adds.</summary>
    public static CostMeasure Flops { get; } = new("FLOPs", FlopsField, 1e6, "M", "millions of multiply-adds");

    /// <summary>Trained numbers.</summary>
    public static CostMeasure Parameters { get; } = new("parameters", ParametersField, 1e6, "M", "millions");

    /// <summary>Times, counted in nanoseconds.</summary>
    public static CostMeasure Latency { get; } = new("latency", LatencyField, 1e6, " ms", "ms", "of latency");

    /// <summary>What an axis of a plot is called.</summary>
    public string Label => $"{Name} ({UnitName})";

    /// <summary>A cost without its name, as "322.919M"; of less than a unit three digits count.</summary>
    public string NumberOf(double cost)
    {
        double units = cost / Unit;
        int digits = units is > 0 and < 1 ? Math.Min(9, 2 - (int)Math.Floor(Math.Log10(units))) : 3;
        return units.ToString($"0.{new string('#', digits)}", CultureInfo.CurrentCulture) + Suffix;
    }

    /// <summary>Two costs and all between without their name, as "270.359M to 398.609M".</summary>
    public string NumberOf(double low, double high) => $"{NumberOf(low)} to {NumberOf(high)}";

    /// <summary>A cost, as "322.919M FLOPs".</summary>
    public string TextOf(double cost) => $"{NumberOf(cost)} {Counted ?? Name}";

    /// <summary>Two costs and all between, as "270.359M to 398.609M FLOPs".</summary>
    public string TextOf(double low, double high) => $"{NumberOf(low)} to {TextOf(high)}";
}
