using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Report.Chains;

/// <summary>What a run began from, as its options name it, and where that is now.</summary>
internal static class RunLinks
{
    private const string OutputOption = "output-dir", ArchitectureOption = "architecture", SearchOption = "search";

    // NNI's name of --architecture.
    private const string FixedArcOption = "fixed-arc";

    // Where scratch looks for an architecture that nobody names.
    private const string DefaultSearch = "runs/search";

    private const int MostText = 4096;

    private static readonly string[] Options =
        [
        KeptOptions.CheckpointOption, KeptOptions.LoadOption, KeptOptions.SearchSpaceOption, ArchitectureOption, FixedArcOption,
        SearchOption,
    ];

    /// <summary>The options that name files or folders of other runs, with their values.</summary>
    public static IEnumerable<(string Option, string Path)> Of(ReportedRun run)
    {
        foreach (string option in Options)
        {
            // What was imported is no run.
            if (run.Kind == RunKind.Import || run.Option(option) is not { Length: < MostText } path || Shown.HasControls(path)) continue;
            if (option is ArchitectureOption or FixedArcOption && NamedArchitecture.IsList(path)) continue;
            yield return (option, path);
        }
        bool isNamed = run.Option(ArchitectureOption) != null || run.Option(FixedArcOption) != null;
        if (run.Kind == RunKind.Scratch && !isNamed && run.Option(KeptOptions.LoadOption) == null)
        {
            yield return (ArchitectureOption, DefaultSearch);
        }
    }

    /// <summary>Whether a path names a file that no run wrote, such as an architecture that somebody made.</summary>
    public static bool IsFileOfOthers(string path) => File.Exists(path);

    /// <summary>
    /// The folder of the run that a path leads to; null if there is none. The path is followed from the run's folder, as it lay from the
    /// output folder when the run began, so that runs are found that were moved together. Where that cannot be told, it is taken as it is.
    /// </summary>
    public static string? FolderOf(ReportedRun run, string path)
    {
        string output = run.Option(OutputOption) is { Length: < MostText } own && !Shown.HasControls(own)
            ? own
            : $"runs/{run.Kind.Command}";
        string? moved = Path.IsPathRooted(output) == Path.IsPathRooted(path)
            ? Path.GetFullPath(Path.Combine(run.Folder, Path.GetRelativePath(output, path)))
            : null;
        // Where the report is written, other runs may be called as these were.
        string? asItIs = Path.IsPathRooted(path) || Path.IsPathRooted(output) ? Path.GetFullPath(path) : null;
        string?[] places = [moved, asItIs];
        // A file lies in a run's folder, or in one of the folders that a run has below its own.
        return places.OfType<string>().SelectMany(place => new[] { place, Above(place), Above(Above(place)) })
            .FirstOrDefault(folder => folder is { Length: > 1 } && folder != run.Folder && ReportedRun.IsRun(folder));
    }

    private static string? Above(string? path) => Path.GetDirectoryName(path);
}
