using System.Text.Json.Serialization;

namespace Spos.Runs.Folders;

/// <summary>A worker of a run, or one that was.</summary>
/// <param name="State">waiting, scoring, training, left, lost or set-aside.</param>
/// <param name="Joined">When, as RFC 3339 has it.</param>
/// <param name="Scored">Scores that it has given.</param>
/// <param name="PerMinute">Scores a minute since it joined.</param>
/// <param name="Trained">Networks that it has trained.</param>
/// <param name="Training">What it trains, and the step that it is at; null for nothing.</param>
public sealed record WorkerRecord(
    [property: JsonPropertyName("name")] string? Name,
    [property: JsonPropertyName("address")] string? Address,
    [property: JsonPropertyName("state")] string? State,
    [property: JsonPropertyName("joined")] string? Joined,
    [property: JsonPropertyName("scored")] int Scored,
    [property: JsonPropertyName("per_minute")] double PerMinute,
    [property: JsonPropertyName("trained")] int Trained,
    [property: JsonPropertyName("training")] string? Training);

/// <summary>workers.json of a run's folder: who scores and trains, for people and programs that look on.</summary>
public sealed record WorkersFile([property: JsonPropertyName("workers")] IReadOnlyList<WorkerRecord?>? Workers)
{
    public const string FileName = "workers.json";

    /// <summary>What a file that a worker sends is called until it is whole, between the dot and the number of such names.</summary>
    public const string ReceivedName = $"{FileName}.received";
}
