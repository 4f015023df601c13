using System.Diagnostics;
using System.Text.Json;
using Spos.Engine.Files;

namespace Spos.Workers.Sharing;

/// <summary>workers.json of a run's folder: who scores and trains, for people and programs that look on.</summary>
internal sealed class StatusFile(string folder)
{
    public const string Name = "workers.json";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private long? _written;
    private string _before = "";

    /// <summary>Writes it if something has changed, and not too often.</summary>
    /// <param name="now">Whatever the time since it was written.</param>
    /// <exception cref="WriteException">It cannot be written.</exception>
    public void Write(IReadOnlyList<Member> members, bool now)
    {
        if (!now && _written is { } before && Stopwatch.GetElapsedTime(before) < Pause) return;
        string text = JsonSerializer.Serialize(
            new
            {
                Workers = members.Select(one => new
                {
                    one.Name,
                    one.Address,
                    State = JsonNamingPolicy.KebabCaseLower.ConvertName($"{one.State}"),
                    Joined = one.Joined.ToString("o", System.Globalization.CultureInfo.InvariantCulture),
                    one.Scored,
                    PerMinute = Math.Round(one.PerMinute, 1),
                    one.Trained,
                    Training = one.Lease is { Training: { } training } lease ? $"{training.Title}, step {lease.Steps}" : null,
                }),
            },
            Format);
        if (text == _before) return;
        (_written, _before) = (Stopwatch.GetTimestamp(), text);
        AtomicFile.WriteText(Path.Combine(folder, Name), text + "\n");
    }
}
