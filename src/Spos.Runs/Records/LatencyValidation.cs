using System.Text.Json.Serialization;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>How well a table of latencies predicts networks that were not in its fit.</summary>
/// <param name="Spearman">Whether it orders them as measuring does; null if all are predicted alike.</param>
public sealed record LatencyValidation(
    [property: JsonPropertyName("spearman")] double? Spearman,
    [property: JsonPropertyName("mean_relative_error")] double MeanRelativeError,
    [property: JsonPropertyName("networks")] IReadOnlyList<ValidatedNetwork>? Networks)
{
    // In the mean, of predictions; a table that is further off is doubted.
    private const double GoodError = 0.05;

    /// <summary>What is to be said of predictions that are not good; null where they are.</summary>
    [JsonIgnore]
    internal string? Doubt => MeanRelativeError <= GoodError
        ? null
        : $"predictions are off by {MeanRelativeError:0.0%} in the mean, which is more than {GoodError:0%}";

    public static LatencyValidation Of(StudiedCosts costs) =>
        new(
            double.IsNaN(costs.Spearman) ? null : costs.Spearman, costs.MeanRelativeError,
            [.. costs.Validation.Select(one => new ValidatedNetwork($"{one.Path}", (long)Math.Round(one.Measured), one.Predicted))]);
}

/// <summary>A network of the validation.</summary>
public sealed record ValidatedNetwork(
    [property: JsonPropertyName("architecture")] string Architecture,
    [property: JsonPropertyName("measured_ns")] long Measured,
    [property: JsonPropertyName("predicted_ns")] long Predicted);
