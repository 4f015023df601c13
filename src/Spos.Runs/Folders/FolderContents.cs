using System.Text.RegularExpressions;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;

namespace Spos.Runs.Folders;

/// <summary>What a folder that a run is to write into holds already.</summary>
public sealed partial class FolderContents
{
    // What runs of several trainings or scores go on from.
    private static readonly string[] States =
    [
        .. from name in new[] { SearchState.OfSearch, SearchState.OfShrink }
           from ending in new[] { SearchState.Ending, SearchState.EndingBefore }
           select name + ending,
        RankState.FileName,
        FrontState.FileName,
    ];

    private readonly string _option;

    private FolderContents(string folder, string option) => (Folder, _option) = (folder, option);

    public string Folder { get; }

    /// <summary>The run that the folder belongs to; null if it belongs to none.</summary>
    public RunKind? Kind { get; private init; }

    /// <summary>The run in words, such as "a supernet run (2 checkpoints, the newest of step 320)"; null if there is none.</summary>
    public string? Description { get; private init; }

    /// <param name="option">The option that named the path.</param>
    /// <exception cref="UsageException">The path is a file.</exception>
    public static FolderContents Of(string path, string option = "--output-dir")
    {
        string folder = Path.GetFullPath(path);
        if (File.Exists(folder)) throw new UsageException($"{option} {path} is a file. A folder is needed.");
        if (!Directory.Exists(folder)) return new FolderContents(folder, option);
        (RunKind? kind, string? title) = RunRecord.TryRead(folder)?.Command is { } command
            ? (RunKind.All.FirstOrDefault(k => k.Command == command), $"a {command} run")
            : (KindByFiles(folder), null);
        return new FolderContents(folder, option) { Kind = kind, Description = kind != null ? kind.Title + Checkpoints(folder) : title };
    }

    /// <summary>
    /// Throws if a run of this kind may not write here: the folder belongs to another, or holds files that the run would write over.
    /// </summary>
    /// <exception cref="UsageException">It may not; the message says what is there and what to do.</exception>
    public void RequireFor(RunKind kind)
    {
        if (Kind != kind) RequireNoRun(kind.Command);
        if (Description == null && FilesOf(kind).FirstOrDefault() is { } stranger)
        {
            string record = Path.Combine(Folder, RunRecord.FileName);
            if (Path.Exists(record))
            {
                throw new UsageException(
                    $"{record} cannot be read, so that nobody knows whose {Folder} is. Remove that file if the run there is yours, or "
                    + "choose another --output-dir.");
            }
            throw new UsageException(
                $"{Folder} holds {stranger}, and no {RunRecord.FileName} tells which run wrote it. Choose another --output-dir.");
        }
        IEnumerable<string> below = kind.Subfolders.Select(name => Path.Combine(Folder, name));
        if (below.FirstOrDefault(path => Path.Exists(path) && !Directory.Exists(path)) is { } file)
        {
            throw new UsageException($"{file} is a file, and {kind.Title} has a folder there. Remove it, or choose another --output-dir.");
        }
        // Whoever opens a pipe waits until another program opens it too.
        if (FilesOf(kind).Select(name => Path.Combine(Folder, name)).FirstOrDefault(RegularFile.IsOther) is { } other)
        {
            throw new UsageException($"{other} is not a regular file. Remove it, or choose another --output-dir.");
        }
    }

    /// <summary>Throws if the folder is a run's.</summary>
    /// <param name="name">What another folder could be called.</param>
    /// <exception cref="UsageException">It is; the message says what is there and what to do.</exception>
    public void RequireNoRun(string name)
    {
        if (Description == null) return;
        throw new UsageException(
            $"{Folder} holds {Description}. A run has a folder of its own: choose another {_option}, such as "
            + $"{Path.Combine(Folder, name)}.");
    }

    /// <summary>
    /// What has the name of a file that runs of a kind write, as it is named within the folder; whatever it is, such as a folder.
    /// </summary>
    public IEnumerable<string> FilesOf(RunKind kind)
    {
        if (!Directory.Exists(Folder)) return [];
        IEnumerable<string> names = Directory.EnumerateFileSystemEntries(Folder).Select(f => Path.GetFileName(f));
        foreach (string below in kind.Subfolders.Where(s => Directory.Exists(Path.Combine(Folder, s))))
        {
            string[] entries = Directory.GetFileSystemEntries(Path.Combine(Folder, below));
            names = names.Concat(entries.Select(f => $"{below}/{Path.GetFileName(f)}"));
        }
        return names.Where(kind.Owns).Order(StringComparer.Ordinal);
    }

    /// <summary>Whether a path leads to the same folder, by links or without.</summary>
    public bool IsAt(string path) =>
        FileStatus.Of(FilePath.Of(Folder)) is { Kind: FileKind.Folder } own && FileStatus.Of(FilePath.Of(path))?.Id == own.Id;

    /// <summary>Whether the folder is of a run of this kind and has what such a run goes on from, so that none begins anew there.</summary>
    public bool HasStartOf(RunKind kind) =>
        Kind == kind && FilesOf(kind).Any(name => CheckpointFolder.IsName(name) || States.Contains(name));

    // Runs that left no run.json: imports, and trainings of rank, of earlier versions.
    private static RunKind? KindByFiles(string folder)
    {
        if (File.Exists(Path.Combine(folder, RunRecord.FileName))) return null;
        foreach (string checkpoint in CheckpointFolder.Files(folder))
        {
            try
            {
                CheckpointHeader header = Checkpoint.ReadHeader(checkpoint);
                if (!header.Options.ContainsKey("epochs")) return RunKind.Import;
                if (header.Path == null) return RunKind.Supernet;
                bool ranked = IsRanked().IsMatch(Path.GetFileName(folder)) && File.Exists(Path.Combine(folder, "..", RankState.FileName));
                return ranked ? RunKind.RankedArchitecture : RunKind.Scratch;
            }
            catch (CheckpointException)
            {
                // Another one may tell.
            }
        }
        return null;
    }

    private static string Checkpoints(string folder)
    {
        string[] files = [.. CheckpointFolder.Files(folder)];
        return files.Length == 0 ? "" : $" ({Count(files.Length, "checkpoint")}, the newest of step {CheckpointFolder.StepOf(files[^1])})";
    }

    /// <summary>"1 checkpoint", "2 checkpoints".</summary>
    internal static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    [GeneratedRegex(@"^architecture-\d{3,}(-seed-\d+)?$")]
    private static partial Regex IsRanked();
}
