using Spos.Board.Processes;
using Spos.Runs.Reading;

namespace Spos.Board.Reading;

/// <summary>
/// The runs in a folder and in those below it. Only paths that were found here are ever read, so that no request can name another. It
/// looks when it is asked, and one is due, however many ask, and does nothing where nobody does.
/// </summary>
internal sealed class RunCatalog
{
    // Data sets may lie in the folder, with a folder for each of thousands of classes.
    private const int MostRuns = 1000, MostFolders = 20_000, MostDepth = 8;

    private static readonly TimeSpan EachSearch = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly Func<RunCommand, string, bool> _canResume;
    private readonly SortedDictionary<string, WatchedRun> _runs = new(StringComparer.Ordinal);
    private readonly Looks _looks;
    private long? _searched;
    private TimeSpan _searchTook;

    /// <param name="root">The folder.</param>
    /// <param name="canResume">Whether a run can go on by its command, in its folder.</param>
    public RunCatalog(string root, TimeProvider time, Func<RunCommand, string, bool> canResume)
    {
        (_root, _time, _canResume) = (Path.TrimEndingDirectorySeparator(Path.GetFullPath(root)), time, canResume);
        _looks = new Looks(time, () => Environment.CpuUsage.TotalTime);
    }

    /// <summary>The folder.</summary>
    public string Root => _root;

    /// <summary>Whether there are more runs or folders than are shown.</summary>
    public bool IsCut { get; private set; }

    /// <summary>How long nothing new is to be seen.</summary>
    public TimeSpan Wait
    {
        get
        {
            lock (_gate) return _looks.Wait;
        }
    }

    /// <summary>The runs, in the order of their paths.</summary>
    public RunHeader[] Headers()
    {
        lock (_gate)
        {
            Refresh();
            return HeadersNow();
        }
    }

    /// <summary>The runs, and what is new of one of them, of the same look; null where nothing is, or there is none of that path.</summary>
    /// <param name="view">What the page has been told of it.</param>
    public (RunHeader[] Runs, RunNews? News) Look(string? path, PageView view)
    {
        lock (_gate)
        {
            Refresh();
            WatchedRun? run = path == null ? null : _runs.GetValueOrDefault(path);
            run?.Open();
            return (HeadersNow(), view.NewsOf(run));
        }
    }

    /// <summary>Asks a run; default where there is none of that path.</summary>
    /// <param name="path">As its header has it.</param>
    public T? Of<T>(string path, Func<WatchedRun, T?> ask)
    {
        lock (_gate)
        {
            Refresh();
            return _runs.TryGetValue(path, out WatchedRun? run) ? ask(run) : default;
        }
    }

    private RunHeader[] HeadersNow() => [.. _runs.Values.Select(run => run.Header).OfType<RunHeader>()];

    private void Refresh()
    {
        if (_looks.Wait > TimeSpan.Zero) return;
        if (_searched is not { } searched || _time.GetElapsedTime(searched) >= EachSearch + 20 * _searchTook) Search();
        LockTable locks = LockTable.Read();
        foreach (WatchedRun run in _runs.Values) run.Refresh(locks);
        _looks.Done();
    }

    private void Search()
    {
        _searched = _time.GetTimestamp();
        var found = new HashSet<string>(StringComparer.Ordinal);
        var ahead = new Queue<(string Path, int Depth)>([("", 0)]);
        int folders = 0;
        IsCut = false;
        while (ahead.TryDequeue(out (string Path, int Depth) at))
        {
            if (new OwnFiles(_root, at.Path).Find("run.json") != null) found.Add(at.Path);
            if (found.Count == MostRuns || folders > MostFolders)
            {
                IsCut = true;
                break;
            }
            if (at.Depth == MostDepth) continue;
            foreach (string below in Below(at.Path))
            {
                ahead.Enqueue((Path.Combine(at.Path, below), at.Depth + 1));
                if (++folders > MostFolders) break;
            }
        }
        foreach (string gone in _runs.Keys.Where(path => !found.Contains(path)).ToArray()) _runs.Remove(gone);
        foreach (string path in found.Where(path => !_runs.ContainsKey(path))) _runs[path] = new WatchedRun(_root, path, _time, _canResume);
        _searchTook = _time.GetElapsedTime(_searched.Value);
    }

    // Links are not followed, and hidden folders are nobody's runs.
    private string[] Below(string path)
    {
        try
        {
            return
            [
                .. from folder in new DirectoryInfo(Path.Combine(_root, path)).EnumerateDirectories()
                   where folder.LinkTarget == null && !folder.Name.StartsWith('.')
                   orderby folder.Name
                   select folder.Name,
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
