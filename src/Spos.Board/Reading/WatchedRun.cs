using System.Globalization;
using System.Text.Json;
using Spos.Board.Processes;
using Spos.Runs.Folders;
using Spos.Runs.Reading;

namespace Spos.Board.Reading;

/// <summary>A run's folder, of which what has changed is read again, and nothing else.</summary>
/// <param name="path">Below the board's folder; empty for that folder itself.</param>
/// <param name="canResume">Whether a run can go on by its command, in its folder.</param>
internal sealed class WatchedRun(string root, string path, TimeProvider time, Func<RunCommand, string, bool> canResume)
{
    /// <summary>The files that tell what the board shows.</summary>
    private static readonly string[] Names =
    [
        RecordName, MetricsFile.FileName, SearchName, RankState.FileName, FrontState.FileName, FrontFiles.TableName, WorkersFile.FileName,
        ResultName,
    ];

    private const string RecordName = "run.json", SearchName = "search.json", ResultName = "result.json", LockName = ".lock";

    /// <summary>Points of a line that a page is sent at once.</summary>
    public const int MostPoints = 1200;

    private const int MostBytesOfRecord = 64 << 20, MostBytesOfState = 256 << 20, MostArchitectures = 500;
    private const int MostWorkers = 500;

    // Of hundreds of runs in a folder most are over.
    private static readonly TimeSpan EachIdleLook = TimeSpan.FromSeconds(5);

    private readonly OwnFiles _files = new(root, path);
    private readonly Dictionary<string, FileStamp?> _stamps = [];
    private readonly Dictionary<string, string?> _troubles = [];
    private readonly MetricsFile _metrics = new();
    private readonly Pace _pace = new(time);
    private RecordedRun? _record, _recordOfResume;
    private string? _resume;
    private Candidates? _candidates;
    private RankedArchitecture?[]? _ranked;
    private FrontNetwork?[]? _networks;
    private FrontMember?[]? _front;
    private IReadOnlyList<WorkerRecord?>? _workers;
    private JsonElement? _result;
    private RunState _state;
    private DateTime _written;
    private bool _isOpen;
    private TimeSpan _lastRead;
    private long _readAt;
    private long? _looked;
    private LockHolder? _holder;

    /// <summary>Grows with each change.</summary>
    public long Version { get; private set; }

    /// <summary>Grows with each change other than that metrics are added.</summary>
    public long OtherVersion { get; private set; }

    /// <summary>The metrics so far.</summary>
    public IReadOnlyList<Series> Series => _metrics.Series;

    /// <summary>The file that the run locks; null if there is none.</summary>
    public string? LockFile => _files.Find(LockName)?.Path;

    /// <summary>What started the run, if the board has seen it alive; else null.</summary>
    public RunCommand? Command { get; private set; }

    /// <summary>What the list of runs tells; null as long as run.json cannot be read.</summary>
    public RunHeader? Header { get; private set; }

    /// <summary>Looks for changes; where nothing runs and no page has opened the run, not each time that it is asked to.</summary>
    public void Refresh(LockTable locks)
    {
        bool isIdle = Header != null && _state != RunState.Running && !_isOpen;
        if (isIdle && _looked is { } looked && time.GetElapsedTime(looked) < EachIdleLook) return;
        _looked = time.GetTimestamp();
        string? file = LockFile;
        LockHolder? holder = file == null ? null : locks.HolderOf(file, _holder);
        bool changed = Header == null, isRunning = holder != null;
        if (holder is { } alive && alive.Process != _holder?.Process) Command = RunCommand.Of(alive.Process, file!);
        _holder = holder;
        // What takes long to read is read more seldom, so that the board takes little of the machine.
        if (_readAt == 0 || time.GetElapsedTime(_readAt) > 20 * _lastRead || !isRunning)
        {
            _readAt = time.GetTimestamp();
            bool isNew = ReadChanged();
            _lastRead = isNew ? time.GetElapsedTime(_readAt) : TimeSpan.Zero;
            changed |= isNew;
        }
        RunState state = isRunning ? RunState.Running : EndOf();
        if (state != _state || Header == null)
        {
            changed = true;
            OtherVersion++;
        }
        _state = state;
        if (!changed) return;
        Version++;
        Header = _record == null ? null : HeaderOf(_record);
    }

    /// <summary>A page shows the run, and wants its curves.</summary>
    public void Open()
    {
        if (_isOpen) return;
        _isOpen = true;
        _metrics.Refresh(_files, whole: true);
        if (_record != null) Header = HeaderOf(_record);
    }

    /// <summary>All that the page shows; null as long as run.json cannot be read.</summary>
    /// <param name="commandOf">The command line that goes on with a run of this record in a folder; null where there is none.</param>
    public RunDetails? Details(Func<string, IReadOnlyDictionary<string, string?>, string, string?> commandOf)
    {
        Open();
        if (Header == null) return null;
        if (_recordOfResume != _record)
        {
            (_recordOfResume, _resume) = (_record, commandOf(_record!.Command, _record.Options, _files.Folder));
        }
        return new RunDetails(
            Header, _resume,
            [.. _metrics.Series.Select(series => new NamedPoints(series.Name, series.Count, series.Decimated(MostPoints)))],
            _candidates, _front?.Take(MostArchitectures).ToArray(), _ranked?.Take(MostArchitectures).ToArray(),
            _networks?.Take(MostArchitectures).ToArray(), _workers?.Take(MostWorkers).ToArray(), _result, _record!.Given(),
            _record.Operations());
    }

    private RunState EndOf()
    {
        // A part of another run leaves no result of its own.
        if (_record != null && KindOf(_record) is { IsPart: true } && Progress(_record) is var (done, total, _) && done >= total)
        {
            return RunState.Finished;
        }
        return _files.Find(ResultName) is var (_, result) && _record?.IsEndedBy(result.Written) != false
            ? RunState.Finished
            : RunState.Stopped;
    }

    private bool ReadChanged()
    {
        bool any = false;
        foreach (string name in Names)
        {
            FileStamp? stamp = _files.Find(name)?.Stamp;
            if (_stamps.TryGetValue(name, out FileStamp? before) && before == stamp) continue;
            _stamps[name] = stamp;
            if (stamp is { } there && there.Written > _written) _written = there.Written;
            any = true;
            int beginnings = _metrics.Beginnings;
            Read(name);
            if (name != MetricsFile.FileName || _metrics.Beginnings != beginnings) OtherVersion++;
        }
        return any;
    }

    private void Read(string name)
    {
        switch (name)
        {
            case RecordName: _record = Of<RecordedRun>(name, MostBytesOfRecord) ?? _record; break;
            case MetricsFile.FileName: _metrics.Refresh(_files, _isOpen); break;
            // While it is replaced it is not there for a moment: what was read before stays.
            case SearchName: _candidates = Of<SearchContents>(name, MostBytesOfState) is { } all ? Candidates.Of(all) : _candidates; break;
            case RankState.FileName:
                _ranked = Of<ArchitecturesContents<RankedArchitecture>>(name, MostBytesOfState)?.Architectures ?? _ranked;
                break;
            case FrontState.FileName:
                _networks = Of<ArchitecturesContents<FrontNetwork>>(name, MostBytesOfState)?.Architectures ?? _networks;
                break;
            case FrontFiles.TableName: _front = Of<FrontMember?[]>(name, MostBytesOfState); break;
            case WorkersFile.FileName: _workers = Of<WorkersFile>(name, MostBytesOfRecord)?.Workers ?? _workers; break;
            case ResultName:
                JsonDocument? result = Of<JsonDocument>(name, MostBytesOfRecord);
                _result = result?.RootElement.ValueKind == JsonValueKind.Object ? result.RootElement : null;
                break;
        }
    }

    private T? Of<T>(string name, int most)
        where T : class
    {
        T? value = _files.Read<T>(name, most, out string? trouble);
        _troubles[name] = trouble;
        return value;
    }

    private RunHeader HeaderOf(RecordedRun record)
    {
        (long done, long? total, string unit) = Progress(record);
        if (_state == RunState.Running) _pace.See(done);
        else _pace.Forget();
        double? left = _pace.PerSecond is > 0 and var rate && total is { } all && all >= done ? (all - done) / rate : null;
        RunKind? kind = KindOf(record);
        // What there is to go on from is there when the run has stopped.
        bool resumes = _state == RunState.Stopped && Command is { } command && canResume(command, _files.Folder);
        return new RunHeader(
            path, record.Command, kind?.Title ?? "a run of a kind that this version does not know", _state, record.DeviceName,
            record.ThreadCount, record.Started, _written, done, total, unit, _metrics.Epoch, record.Number("epochs"), _pace.PerSecond, left,
            FigureOf(), [.. Warnings()], IsPart: kind?.IsPart == true, CanResume: resumes);
    }

    private static RunKind? KindOf(RecordedRun record) => RunKind.All.FirstOrDefault(one => one.Command == record.Command);

    private (long Done, long? Total, string Unit) Progress(RecordedRun record)
    {
        if (_candidates is { } candidates)
        {
            long? most = record.Number("max-trials");
            if (record.Number("max-epochs") is { } generations && record.Number("num-population") is { } population)
            {
                long whole = generations <= long.MaxValue / population ? generations * population : long.MaxValue;
                most = most is { } trials ? Math.Min(whole, trials) : whole;
            }
            return (candidates.Count, most, "candidates");
        }
        if (_ranked is { } ranked)
        {
            long repeats = record.Number("repeats") ?? 1;
            return (ranked.Sum(one => Math.Min(one?.Trainings.Length ?? 0, repeats)), ranked.Length * repeats, "trainings");
        }
        if (_networks is { } networks) return (networks.Count(one => one?.Top1 != null), networks.Length, "trainings");
        long? steps = record.Number("total-iters")
            ?? (record.Number("epochs") is { } epochs && _metrics.StepsPerEpoch is { } each ? epochs * each : null);
        return (_metrics.Step, steps, "steps");
    }

    private string FigureOf()
    {
        static string Share(double share) => share.ToString("0.0%", CultureInfo.InvariantCulture);
        if (_candidates is { Best: [var best, ..] }) return $"best top-1 {Share(best.Top1)}";
        if (_metrics.Of("val_top1")?.Last is { } val) return $"top-1 on val {Share(val)}";
        if (_metrics.Of("loss")?.Last is { } loss) return string.Create(CultureInfo.InvariantCulture, $"loss {loss:0.000}");
        return "";
    }

    private IEnumerable<string> Warnings()
    {
        foreach (string trouble in _troubles.Values.OfType<string>()) yield return trouble;
        if (_metrics.Unread > 0) yield return $"{MetricsFile.FileName}: {_metrics.Unread} lines are damaged and left out.";
        if (_metrics.IsFull) yield return $"{MetricsFile.FileName} has more values than the board keeps; the newest are left out.";
        foreach (Series series in _metrics.Series.Where(one => one.Name.EndsWith("loss", StringComparison.Ordinal)))
        {
            if (series.FirstNotFinite is not { } step) continue;
            yield return $"{series.Name} is not a finite number from step {step} on: training diverged.";
        }
        if (_result is { } result && result.TryGetProperty("left_out", out JsonElement left)
            && left.ValueKind == JsonValueKind.Number && left.TryGetInt64(out long pictures) && pictures > 0)
        {
            yield return $"{pictures} pictures cannot be decoded and were left out of the accuracy.";
        }
    }
}
