using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Report.Chains;

/// <summary>
/// Runs that belong together: those of the folders that were named, and those that they began from, as their records say, where those still
/// are. A record leads to folders of runs alone, and of them nothing is read but the files that runs write.
/// </summary>
internal sealed class RunChain
{
    /// <summary>Far more than a report can tell of.</summary>
    public const int MostRuns = 64;

    private const int MostFolders = 1000;

    // In the order in which they are done.
    private static readonly RunKind[] Order =
    [
        RunKind.Import, RunKind.Supernet, RunKind.Shrink, RunKind.Search, RunKind.Scratch, RunKind.Front, RunKind.Rank,
        RunKind.FrontNetwork, RunKind.RankedArchitecture,
    ];

    private RunChain(IReadOnlyList<ReportedRun> runs, IReadOnlyList<string> missing, bool isCut) =>
        (Runs, Missing, IsCut) = (runs, missing, isCut);

    /// <summary>From the first one to the last one, as far as one needs another.</summary>
    public IReadOnlyList<ReportedRun> Runs { get; }

    /// <summary>What records name that is no longer there, in sentences.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>What is not there, or could not be read, in sentences.</summary>
    public IReadOnlyList<string> Troubles =>
        [.. Missing, .. Runs.SelectMany(run => run.Troubles.Select(trouble => $"{run.Name}: {trouble}"))];

    /// <summary>Whether there are more runs than are told of.</summary>
    public bool IsCut { get; }

    public IEnumerable<ReportedRun> Of(RunKind kind) => Runs.Where(run => run.Kind == kind);

    /// <summary>Reads the runs.</summary>
    /// <exception cref="UsageException">A folder is not there, or holds no run; the message names it.</exception>
    public static RunChain Read(ReportSpec spec)
    {
        var runs = new SortedDictionary<string, ReportedRun>(StringComparer.Ordinal);
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        var ahead = new Queue<string>(spec.Folders.SelectMany(Named));
        bool isCut = false;
        while (ahead.TryDequeue(out string? folder))
        {
            if (runs.ContainsKey(folder)) continue;
            if (runs.Count == MostRuns)
            {
                isCut = true;
                break;
            }
            if (ReportedRun.TryRead(folder, spec) is not { } run)
            {
                missing.Add($"{folder}: its {RunRecord.FileName} cannot be read, or is of a kind of run that this version does not know.");
                continue;
            }
            runs.Add(folder, run);
            foreach ((string option, string path) in RunLinks.Of(run))
            {
                if (RunLinks.FolderOf(run, path) is { } before) ahead.Enqueue(before);
                else if (RunLinks.IsFileOfOthers(path)) continue;
                else missing.Add($"{run.Name}: what --{option} {path} names was not found.");
            }
        }
        if (runs.Count == 0) throw new UsageException($"{string.Join(' ', missing)} There is no run to report of.");
        return new RunChain(
            [.. runs.Values.OrderBy(run => Array.IndexOf(Order, run.Kind)).ThenBy(run => run.Folder, StringComparer.Ordinal)],
            [.. missing], isCut);
    }

    /// <summary>The folders right below one, in the order of their names; links and hidden ones are nobody's runs.</summary>
    public static string[] FoldersIn(string folder)
    {
        try
        {
            return
            [
                .. from below in new DirectoryInfo(folder).EnumerateDirectories()
                   where below.LinkTarget == null && !below.Name.StartsWith('.')
                   orderby below.Name
                   select below.Name,
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // A folder that is no run stands for the runs right below it.
    private static IEnumerable<string> Named(string text)
    {
        if (!Directory.Exists(text))
        {
            throw new UsageException($"The folder {Shown.Value(text)} does not exist. Name the folder of a run: spos report FOLDER.");
        }
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(text));
        if (ReportedRun.IsRun(folder)) return [folder];
        string[] below = [.. FoldersIn(folder).Take(MostFolders).Select(name => Path.Combine(folder, name)).Where(ReportedRun.IsRun)];
        return below.Length > 0 ? below : throw new UsageException(
            $"{Shown.Value(text)} holds no run, nor do the folders in it. Name the folder of a run: spos report FOLDER.");
    }
}
