using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Runs.Folders;
using Spos.Runs.Reading;
using Spos.Runs.Records;

namespace Spos.Report.Chains;

/// <summary>
/// A run as the files of its folder tell it. Each of them may be missing, unfinished or damaged; then there is less to tell, and
/// <see cref="Troubles"/> says why. Only files by the names that runs give them are read.
/// </summary>
internal sealed class ReportedRun
{
    private const string ResultName = "result.json";

    private const int MostBytesOfRecord = 64 << 20, MostBytesOfState = 256 << 20;

    private readonly OwnFiles _files;
    private readonly List<string> _troubles = [];
    private readonly Lazy<KnownNetwork?> _network;

    private ReportedRun(OwnFiles files, RecordedRun record, RunKind kind, ReportSpec spec)
    {
        (_files, Record, Kind) = (files, record, kind);
        Asked = spec.Command(record.Command, record.Options);
        Setting = Read<RunSetting>(RunRecord.FileName, MostBytesOfRecord);
        JsonDocument? result = Read<JsonDocument>(ResultName, MostBytesOfRecord);
        Result = new ResultFigures(result?.RootElement);
        if (result != null && !Result.IsWhole) _troubles.Add($"{ResultName} is damaged: it is no object, or has numbers that cannot be.");
        // An import has no result: it is done at once.
        IsFinished = kind == RunKind.Import || (_files.Find(ResultName) is var (_, stamp) && record.IsEndedBy(stamp.Written));
        Metrics.Refresh(_files, whole: true);
        if (Metrics.Unread > 0) _troubles.Add($"{Metrics.Unread} lines of {MetricsFile.FileName} are damaged and left out.");
        if (StateName is { } state) Kept = Read<KeptContents>(state, MostBytesOfState);
        if (kind == RunKind.Search) ReadSearch();
        if (kind == RunKind.Rank) Ranked = Architectures<RankedArchitecture>(RankState.FileName, one => one.Scores?.Length > 0);
        if (kind == RunKind.Front) Networks = Architectures<FrontNetwork>(FrontState.FileName, _ => true);
        Checkpoint = ReadCheckpoint();
        Seconds = SecondsOfParts();
        _network = new(() => KnownNetwork.Of(this));
    }

    public string Folder => _files.Folder;

    /// <summary>The folder's name, as people call the run.</summary>
    public string Name => Path.GetFileName(Folder);

    public RecordedRun Record { get; }

    public RunKind Kind { get; }

    public AskedCommand? Asked { get; }

    public RunSetting? Setting { get; }

    public ResultFigures Result { get; }

    /// <summary>Whether it came to its end, since it was started last of all.</summary>
    public bool IsFinished { get; }

    public MetricsFile Metrics { get; } = new();

    public Candidates? Candidates { get; private set; }

    public IReadOnlyList<FrontMember> Front { get; private set; } = [];

    public IReadOnlyList<RankedArchitecture> Ranked { get; } = [];

    public IReadOnlyList<FrontNetwork> Networks { get; } = [];

    /// <summary>What its newest checkpoint says of itself, and the checkpoint's name; null if there is none.</summary>
    public (string Name, CheckpointHeader Header)? Checkpoint { get; }

    public KeptContents? Kept { get; }

    /// <summary>The pictures; null where no file tells.</summary>
    public DataRecord? Data => Checkpoint is { Header.Train: not null } checkpoint ? DataRecord.Of(checkpoint.Header) : Kept?.Data;

    /// <summary>The names of the classes; null where nobody knows them.</summary>
    public IReadOnlyList<string>? Classes => Setting?.ClassNames ?? Checkpoint?.Header.ClassNames;

    /// <summary>The network that it came to; null if there is none yet, or its files do not tell it.</summary>
    public KnownNetwork? Network => _network.Value;

    /// <summary>How long it computed; null where no file tells.</summary>
    public double? Seconds { get; }

    /// <summary>What could not be read, in sentences.</summary>
    public IReadOnlyList<string> Troubles => _troubles;

    // The file that has the options and pictures which figures depend on.
    private string? StateName => Kind == RunKind.Search ? $"{SearchState.OfSearch}.json"
        : Kind == RunKind.Rank ? RankState.FileName
        : Kind == RunKind.Front ? FrontState.FileName
        : Kind == RunKind.Shrink ? $"{SearchState.OfShrink}.json"
        : null;

    /// <summary>The run of a folder; null if there is none that can be read.</summary>
    public static ReportedRun? TryRead(string folder, ReportSpec spec)
    {
        var files = new OwnFiles(folder, "");
        return files.Read<RecordedRun>(RunRecord.FileName, MostBytesOfRecord, out _) is { } record
            && RunKind.All.FirstOrDefault(kind => kind.Command == record.Command) is { } kind
            ? new ReportedRun(files, record, kind, spec)
            : null;
    }

    /// <summary>Whether a folder is that of a run.</summary>
    public static bool IsRun(string folder) => new OwnFiles(folder, "").Find(RunRecord.FileName) != null;

    /// <summary>The value of an option; null if it was not given.</summary>
    public string? Option(string name) => Record.Options.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    /// <summary>What an option came to, where it depends on the pictures or the network; else as it was given.</summary>
    public string? CameTo(string name) => Kept?.Options?.GetValueOrDefault(name) is { Length: > 0 } value ? value : Option(name);

    private void ReadSearch()
    {
        if (Read<SearchContents>($"{SearchState.OfSearch}.json", MostBytesOfState) is { } contents) Candidates = Candidates.Of(contents);
        FrontMember?[] members = Read<FrontMember?[]>(FrontFiles.TableName, MostBytesOfState) ?? [];
        Front = [.. members.OfType<FrontMember>()];
    }

    private T[] Architectures<T>(string name, Func<T, bool> isWhole)
        where T : class =>
        [.. (Read<ArchitecturesContents<T>>(name, MostBytesOfState)?.Architectures ?? []).OfType<T>().Where(isWhole)];

    private (string, CheckpointHeader)? ReadCheckpoint()
    {
        try
        {
            foreach (string file in CheckpointFolder.Files(Folder).Reverse())
            {
                if (_files.Find(Path.GetFileName(file)) == null) continue;
                try
                {
                    CheckpointHeader header = Engine.Checkpoints.Checkpoint.ReadHeader(file);
                    return (Path.GetFileName(file), header);
                }
                catch (CheckpointException)
                {
                    _troubles.Add($"{Path.GetFileName(file)} cannot be read.");
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _troubles.Add("Its checkpoints cannot be read.");
        }
        return null;
    }

    // The trainings of a ranking and of a front lie below it, each with event files of its own.
    private double? SecondsOfParts()
    {
        double? seconds = EventTimes.SecondsOf(_files);
        if (Kind != RunKind.Rank && Kind != RunKind.Front) return seconds;
        foreach (string part in RunChain.FoldersIn(Folder))
        {
            var files = new OwnFiles(Folder, part);
            if (files.Read<RecordedRun>(RunRecord.FileName, MostBytesOfRecord, out _) is not { } record) continue;
            if (RunKind.All.FirstOrDefault(kind => kind.Command == record.Command)?.IsPart != true) continue;
            if (EventTimes.SecondsOf(files) is { } own) seconds = (seconds ?? 0) + own;
        }
        return seconds;
    }

    private T? Read<T>(string name, int most)
        where T : class
    {
        T? value = _files.Read<T>(name, most, out string? trouble);
        if (trouble != null) _troubles.Add(trouble);
        return value;
    }
}
