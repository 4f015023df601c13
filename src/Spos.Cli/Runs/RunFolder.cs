using System.Globalization;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Cli.Runs;

/// <summary>
/// The folder of one run: its checkpoints (the two newest), its metrics, one JSON object a line, its options and its plots. While
/// it is open no other run may use it.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    private const string Prefix = "checkpoint-", Suffix = ".spos";
    private const int Kept = 2;

    // EWOULDBLOCK of Linux: somebody else has the lock.
    private const int WouldBlock = 11;

    private readonly string _metrics;
    private readonly FileStream _lock;

    /// <exception cref="IOException">Another run uses the folder.</exception>
    public RunFolder(string path)
    {
        Folder = Path.GetFullPath(path);
        Directory.CreateDirectory(Folder);
        _metrics = Path.Combine(Folder, "metrics.jsonl");
        try
        {
            _lock = new FileStream(Path.Combine(Folder, ".lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            if (error.HResult != WouldBlock) throw WriteException.Of(Path.Combine(Folder, ".lock"), error);
            throw new IOException($"{Folder} is in use by another run ({error.Message}). Wait for it, or choose another --output-dir.", error);
        }
        AtomicFile.RemoveLeftovers(Folder);
    }

    public string Folder { get; }

    /// <summary>The newest checkpoint of a folder, or null. A path that is a file is taken as it is.</summary>
    public static string? NewestCheckpoint(string path)
    {
        if (File.Exists(path)) return path;
        return Directory.Exists(path) ? CheckpointsOf(path).LastOrDefault() : null;
    }

    /// <summary>The newest checkpoint of a folder, or the file itself.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public static string FindCheckpoint(string path) => NewestCheckpoint(path) ?? throw new CheckpointException($"{path}: no checkpoint there.");

    /// <summary>The newest checkpoint that is whole, with its header, or null. Damaged ones are set aside, and it is said.</summary>
    /// <exception cref="CheckpointException">There are only damaged ones.</exception>
    public (string Path, CheckpointHeader Header)? NewestWhole()
    {
        CheckpointException? damage = null;
        foreach (string path in CheckpointsOf(Folder).Reverse())
        {
            try
            {
                return (path, Checkpoint.Verify(path));
            }
            catch (CheckpointException error)
            {
                damage = error;
                File.Move(path, path + ".damaged", overwrite: true);
                Console.Error.WriteLine($"spos: {error.Message} It is set aside as {path}.damaged.");
            }
        }
        return damage == null ? null : throw new CheckpointException($"{Folder}: every checkpoint is damaged. Begin anew with --restart.");
    }

    /// <summary>Saves a checkpoint and removes all but the newest ones.</summary>
    /// <exception cref="WriteException">It cannot be written; those before it are as they were.</exception>
    public string Save(Session session, ShuffleNetV2OneShot network, long steps, IReadOnlyDictionary<string, string> options, ShuffleNetV2OneShot? average = null)
    {
        string path = Path.Combine(Folder, $"{Prefix}{steps.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}");
        Checkpoint.Save(path, session, network, steps, options, average);
        foreach (string old in CheckpointsOf(Folder).SkipLast(Kept)) File.Delete(old);
        return path;
    }

    /// <summary>Removes what an earlier run left, so that it is not taken for this run's.</summary>
    public void Clear()
    {
        foreach (string old in CheckpointsOf(Folder)) File.Delete(old);
        foreach (string events in Directory.GetFiles(Folder, "events.out.tfevents.*")) File.Delete(events);
        File.Delete(_metrics);
        File.Delete(Path.Combine(Folder, "result.json"));
    }

    /// <summary>Adds a line to metrics.jsonl.</summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public void Log(object metrics) => JsonFile.Append(_metrics, metrics);

    /// <summary>Writes result.json: what the run came to, for programs.</summary>
    public void WriteResult(object result) => JsonFile.Write(Path.Combine(Folder, "result.json"), result);

    /// <summary>Removes the lines of metrics.jsonl after a step, which a resumed run will write again, and returns the others.</summary>
    public IReadOnlyList<JsonElement> KeepMetrics(long step)
    {
        if (!File.Exists(_metrics)) return [];
        var kept = new List<JsonElement>();
        foreach (string line in File.ReadLines(_metrics))
        {
            // A killed run may leave half a line.
            if (TryParse(line) is { } metrics && metrics.TryGetProperty("step", out JsonElement at) && at.GetInt64() <= step) kept.Add(metrics);
        }
        AtomicFile.WriteText(_metrics, string.Concat(kept.Select(m => m.GetRawText() + "\n")));
        return kept;
    }

    public void Dispose() => _lock.Dispose();

    private static JsonElement? TryParse(string line)
    {
        try
        {
            return JsonDocument.Parse(line).RootElement;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IEnumerable<string> CheckpointsOf(string folder) =>
        Directory.GetFiles(folder, $"{Prefix}*{Suffix}").Order(StringComparer.Ordinal);
}
