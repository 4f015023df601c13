using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;

namespace Spos.Runs.Records;

/// <summary>The sizes that a network's latency depends on, as a table of latencies tells them.</summary>
public sealed record LatencyNetwork : NetworkFacts
{
    [JsonPropertyName("classes"), JsonPropertyOrder(1)]
    public int Classes { get; init; }

    public static LatencyNetwork Of(NetworkSpec spec)
    {
        var network = new LatencyNetwork { Classes = spec.Classes };
        network.Take(spec);
        network.Blocks = spec.BlockSet.Name;
        return network;
    }

    /// <summary>The first size that another network has otherwise, as a sentence without its full stop; null if there is none.</summary>
    public string? DifferenceFrom(LatencyNetwork wanted) => Fields().Zip(wanted.Fields())
        .Where(pair => pair.First.Value != pair.Second.Value)
        .Select(pair => $"it was measured with {pair.First.Name} {Shown.Excerpt(pair.First.Value)}; the network has {pair.Second.Value}")
        .FirstOrDefault();

    private IEnumerable<(string Name, string Value)> Fields() =>
        [.. Texts().Select(size => (size.Option.Replace('-', '_'), size.Text)), ("classes", $"{Classes}")];
}
