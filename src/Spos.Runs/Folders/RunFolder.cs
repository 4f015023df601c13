using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Runs.Folders;

/// <summary>
/// The folder of one run: its checkpoints (the two newest), its metrics, one JSON object a line, its options and its plots. While
/// it is open no other run may use it. Other files that lie there are left alone.
/// </summary>
public sealed class RunFolder : IDisposable
{
    /// <summary>The file of a training's metrics.</summary>
    public const string MetricsName = "metrics.jsonl";

    /// <summary>The file of what a run came to.</summary>
    internal const string ResultName = "result.json";

    private const int Kept = 2, MostBytesOfLine = 64 << 10;
    private const string SetAside = ".damaged";

    private readonly string _metrics;
    private readonly FileStream _lock;
    private readonly IRunObserver _observer;

    /// <param name="observer">Told of what is removed or set aside.</param>
    /// <exception cref="UsageException">
    /// The folder belongs to a run of another kind, or holds files that this one would write over.
    /// </exception>
    /// <exception cref="IOException">Another run uses the folder.</exception>
    public RunFolder(string path, RunKind kind, IRunObserver observer)
    {
        (Kind, _observer) = (kind, observer);
        // Twice: nothing is left in a folder that is refused, and another run may have begun there before the lock was had.
        FolderContents.Of(path).RequireFor(kind);
        Folder = Path.GetFullPath(path);
        Directory.CreateDirectory(Folder);
        _metrics = Path.Combine(Folder, MetricsName);
        string file = Path.Combine(Folder, ".lock");
        if (RegularFile.IsOther(file))
        {
            throw new UsageException(
                $"{file} is not a regular file. Remove it, or choose another --output-dir.");
        }
        try
        {
            _lock = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            if (!WriteException.TellsOfLock(error)) throw WriteException.Of(file, error);
            throw new IOException($"{Folder} is in use by another run. Wait for it, or choose another --output-dir.", error);
        }
        try
        {
            Contents.RequireFor(kind);
            foreach (string below in kind.Subfolders.Prepend("")) RemoveLeftovers(below);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public string Folder { get; }

    public RunKind Kind { get; }

    private FolderContents Contents => FolderContents.Of(Folder);

    /// <summary>The newest checkpoint that is whole, with its header, or null. Damaged ones are set aside, and it is said.</summary>
    /// <exception cref="CheckpointException">There are only damaged ones.</exception>
    public (string Path, CheckpointHeader Header)? NewestWhole()
    {
        CheckpointException? damage = null;
        foreach (string path in CheckpointFolder.Files(Folder).Reverse())
        {
            try
            {
                return (path, Checkpoint.Verify(path));
            }
            catch (CheckpointException error) when (error.IsDamage)
            {
                damage = error;
                File.Move(path, path + SetAside, overwrite: true);
                _observer.Warn($"{error.Message} It is set aside as {path}{SetAside}.");
            }
        }
        // Also at the next start, when they have been set aside.
        return damage == null && !Contents.FilesOf(Kind).Any(name => name.EndsWith(SetAside, StringComparison.Ordinal))
            ? null
            : throw new CheckpointException($"{Folder}: every checkpoint is damaged. Begin anew with --restart.");
    }

    /// <summary>Saves a checkpoint and removes all but the newest ones.</summary>
    /// <exception cref="WriteException">It cannot be written; those before it are as they were.</exception>
    public string Save(
        Session session, ShuffleNetV2OneShot network, long steps, IReadOnlyDictionary<string, string> options,
        ShuffleNetV2OneShot? average = null, TrainedOn? data = null)
    {
        string path = Path.Combine(Folder, CheckpointFolder.NameOf(steps));
        Checkpoint.Save(path, session, network, steps, options, average, data);
        RemoveOldCheckpoints();
        return path;
    }

    /// <summary>Removes all but the newest checkpoints. A run that was killed may have left one more.</summary>
    public void RemoveOldCheckpoints()
    {
        foreach (string old in CheckpointFolder.Files(Folder).SkipLast(Kept)) File.Delete(old);
    }

    /// <summary>Throws if an earlier run ended here: its results are not removed unless somebody says so.</summary>
    /// <param name="missing">What the run would go on from, such as "checkpoint".</param>
    /// <exception cref="UsageException">It did.</exception>
    public void RequireNoResult(string missing)
    {
        if (!File.Exists(Path.Combine(Folder, ResultName))) return;
        throw new UsageException(
            $"{Folder} holds the results of {Kind.Title}, but no {missing} to go on from. "
            + "Choose another --output-dir, or begin anew with --restart.");
    }

    /// <summary>Removes what an earlier run of this kind left, so that it is not taken for this run's, and says so.</summary>
    public void Clear()
    {
        // run.json stays until it is written anew: it tells whose folder it is.
        string[] files = [.. Contents.FilesOf(Kind).Where(name => name != RunRecord.FileName)];
        if (files.Length == 0) return;
        int checkpoints = files.Count(name => name.EndsWith(".spos", StringComparison.Ordinal));
        string among = checkpoints > 0 ? $"{FolderContents.Count(checkpoints, "checkpoint")}, " : "";
        _observer.Say($"Removing {Kind.Title} from {Folder} ({among}{FolderContents.Count(files.Length, "file")} in all).");
        Remove(files);
    }

    /// <summary>Removes the files that runs of this kind write into a folder below theirs, without a word: they are made again.</summary>
    public void ClearBelow(string below) =>
        Remove([.. Contents.FilesOf(Kind).Where(name => name.StartsWith($"{below}/", StringComparison.Ordinal))]);

    /// <summary>Adds a line to metrics.jsonl.</summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public void Log(object metrics) => JsonFile.Append(_metrics, metrics);

    /// <summary>Writes result.json: what the run came to, for programs.</summary>
    public void WriteResult(object result) => JsonFile.Write(Path.Combine(Folder, ResultName), result);

    /// <summary>Removes the lines of metrics.jsonl after a step, which a resumed run will write again, and returns the others.</summary>
    public IReadOnlyList<JsonElement> KeepMetrics(long step)
    {
        if (!File.Exists(_metrics)) return [];
        var kept = new List<JsonElement>();
        foreach (string line in ShortLines.Read(_metrics, MostBytesOfLine))
        {
            // A killed run may leave half a line. No run writes one that is too long.
            if (TryParse(line) is { } metrics && StepOf(metrics) <= step) kept.Add(metrics);
        }
        AtomicFile.WriteText(_metrics, string.Concat(kept.Select(m => m.GetRawText() + "\n")));
        return kept;
    }

    public void Dispose() => _lock.Dispose();

    private void RemoveLeftovers(string below)
    {
        string folder = Path.Combine(Folder, below), prefix = below.Length == 0 ? "" : $"{below}/";
        if (Directory.Exists(folder)) AtomicFile.RemoveLeftovers(folder, name => Kind.Owns(prefix + name));
    }

    private void Remove(string[] files)
    {
        foreach (string file in files) File.Delete(Path.Combine(Folder, file));
        foreach (string below in Kind.Subfolders.Select(s => Path.Combine(Folder, s)))
        {
            if (Directory.Exists(below) && !Directory.EnumerateFileSystemEntries(below).Any()) Directory.Delete(below);
        }
    }

    // Null if it is no line of metrics.
    private static long? StepOf(JsonElement line) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty("step", out JsonElement at) && at.ValueKind == JsonValueKind.Number &&
        at.TryGetInt64(out long step) && line.EnumerateObject().All(p => p.Value.ValueKind is JsonValueKind.Number or JsonValueKind.Null)
            ? step
            : null;

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
}
