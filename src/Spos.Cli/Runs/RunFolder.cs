using System.Globalization;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;

namespace Spos.Cli.Runs;

/// <summary>The folder of one run: its checkpoints (the two newest), its metrics, one JSON object a line, and its plots.</summary>
internal sealed class RunFolder
{
    private const string Prefix = "checkpoint-", Suffix = ".spos";
    private const int Kept = 2;

    private readonly string _metrics;

    public RunFolder(string path)
    {
        Folder = Path.GetFullPath(path);
        Directory.CreateDirectory(Folder);
        _metrics = Path.Combine(Folder, "metrics.jsonl");
    }

    public string Folder { get; }

    /// <summary>The newest checkpoint of a folder, or null. A path that is a file is taken as it is.</summary>
    public static string? NewestCheckpoint(string path)
    {
        if (File.Exists(path)) return path;
        if (!Directory.Exists(path)) return null;
        return Checkpoints(path).LastOrDefault();
    }

    /// <summary>The newest checkpoint of a folder, or the file itself.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public static string FindCheckpoint(string path) => NewestCheckpoint(path) ?? throw new CheckpointException($"{path}: no checkpoint there.");

    /// <summary>Saves a checkpoint and removes all but the newest ones.</summary>
    public string Save(Session session, ShuffleNetV2OneShot network, long steps, IReadOnlyDictionary<string, string> options)
    {
        string path = Path.Combine(Folder, $"{Prefix}{steps.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}");
        Checkpoint.Save(path, session, network, steps, options);
        foreach (string old in Checkpoints(Folder).SkipLast(Kept)) File.Delete(old);
        return path;
    }

    /// <summary>Removes what an earlier run left, so that its checkpoints are not taken for this run's.</summary>
    public void Clear()
    {
        foreach (string old in Checkpoints(Folder)) File.Delete(old);
        File.Delete(_metrics);
    }

    /// <summary>Adds a line to metrics.jsonl.</summary>
    public void Log(object metrics) => File.AppendAllText(_metrics, JsonSerializer.Serialize(metrics) + "\n");

    private static IEnumerable<string> Checkpoints(string folder) =>
        Directory.GetFiles(folder, $"{Prefix}*{Suffix}").Order(StringComparer.Ordinal);
}
