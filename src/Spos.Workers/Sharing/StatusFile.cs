using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Spos.Engine.Files;
using Spos.Runs.Folders;

namespace Spos.Workers.Sharing;

/// <summary>Keeps workers.json up to date.</summary>
internal sealed class StatusFile(string folder)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private long? _written;
    private string _before = "";

    /// <summary>Writes it if something has changed, and not too often.</summary>
    /// <param name="now">Whatever the time since it was written.</param>
    /// <exception cref="WriteException">It cannot be written.</exception>
    public void Write(IReadOnlyList<Member> members, bool now)
    {
        if (!now && _written is { } before && Stopwatch.GetElapsedTime(before) < Pause) return;
        string text = JsonFile.TextOf(new WorkersFile([.. members.Select(Of)]));
        if (text == _before) return;
        (_written, _before) = (Stopwatch.GetTimestamp(), text);
        AtomicFile.WriteText(Path.Combine(folder, WorkersFile.FileName), text);
    }

    private static WorkerRecord Of(Member one) => new(
        one.Name, one.Address, JsonNamingPolicy.KebabCaseLower.ConvertName($"{one.State}"),
        one.Joined.ToString("o", CultureInfo.InvariantCulture), one.Scored, Math.Round(one.PerMinute, 1), one.Trained,
        one.Lease is { Training: { } training } lease ? $"{training.Title}, step {lease.Steps}" : null);
}
