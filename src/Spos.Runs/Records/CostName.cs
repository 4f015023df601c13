using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>The words by which options name costs.</summary>
public static class CostName
{
    public const string Flops = "flops", Parameters = "params", Latency = "latency";

    /// <summary>The option of a search that has what its front is over.</summary>
    public const string ObjectivesOption = "objectives";

    /// <summary>What a word names; null if it is none of these.</summary>
    public static CostMeasure? MeasureOf(string word) => word switch
    {
        Flops => CostMeasure.Flops,
        Parameters => CostMeasure.Parameters,
        Latency => CostMeasure.Latency,
        _ => null,
    };

    /// <summary>The word of a measure.</summary>
    public static string Of(CostMeasure measure) => new[] { Flops, Parameters, Latency }.Single(word => MeasureOf(word) == measure);
}
