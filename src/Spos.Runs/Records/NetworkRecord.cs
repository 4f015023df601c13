using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;

namespace Spos.Runs.Records;

/// <summary>A network's sizes, and how pictures are made its input, as run.json tells them.</summary>
public sealed record NetworkRecord : NetworkFacts
{
    [JsonPropertyName("preprocessing"), JsonPropertyOrder(6), JsonConverter(typeof(JsonStringEnumConverter<Preprocessing>))]
    public Preprocessing Preprocessing { get; init; }

    public static NetworkRecord Of(NetworkSpec spec, Preprocessing preprocessing)
    {
        var record = new NetworkRecord { Preprocessing = preprocessing };
        record.Take(spec);
        return record;
    }

    /// <summary>That of a checkpoint's network.</summary>
    public static NetworkRecord Of(CheckpointHeader header) => Of(header.Spec, PreprocessingRecord.Of(header));

    /// <summary>The sizes, of a network of so many classes.</summary>
    /// <param name="source">Where the record was read, for messages.</param>
    /// <exception cref="UsageException">A newer version wrote the record.</exception>
    public NetworkSpec Spec(int classes, string source)
    {
        try
        {
            return Sizes() with { Classes = classes };
        }
        catch (FormatException error)
        {
            throw new UsageException($"{source}: {error.Message}");
        }
    }
}
