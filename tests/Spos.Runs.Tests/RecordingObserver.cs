using System.Text.RegularExpressions;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs.Tests;

/// <summary>Keeps what a run tells, and may stop it.</summary>
internal sealed class RecordingObserver : IRunObserver, IDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private readonly List<string> _told = [];

    /// <summary>Whether the run is stopped after its first step.</summary>
    public bool StopsAtOnce { get; init; }

    /// <summary>After how many candidates the run is stopped, and how long after; null for never.</summary>
    public (int Candidates, TimeSpan Later)? Stops { get; init; }

    /// <summary>Is told of each file that is saved.</summary>
    public Action<string>? OnSaved { get; init; }

    public CancellationToken Cancel => _cancel.Token;

    public List<string> Said { get; } = [];

    public List<RunPart> Parts { get; } = [];

    /// <summary>What happened, in order; the same thing several times in a row is one word with a star.</summary>
    public string Told => Regex.Replace(string.Join(' ', _told), @"\b(\S+)( \1\b)+", "$1*");

    public void Begin(RunBegin run) => _told.Add("begin");

    public void BeginPart(RunPart part)
    {
        Parts.Add(part);
        _told.Add($"{part.Kind}:");
    }

    public void Stepped(StepReport report, bool isLogged)
    {
        _told.Add("step");
        if (StopsAtOnce) _cancel.Cancel();
    }

    public void Measured(bool averaged, long atStep, int epoch, Accuracy accuracy) => _told.Add(averaged ? "averaged" : "measured");

    public void Candidate(Candidate candidate, int count, double best)
    {
        _told.Add("candidate");
        if (Stops is not { } stop || stop.Candidates != count) return;
        if (stop.Later == TimeSpan.Zero) _cancel.Cancel();
        else _cancel.CancelAfter(stop.Later);
    }

    public void Generation(int generation, IReadOnlyList<Candidate> candidates) => _told.Add("generation");

    public void Score(long done, double top1) => _told.Add("score");

    public void Saved(string file)
    {
        _told.Add("saved");
        OnSaved?.Invoke(file);
    }

    public void EndPart() => _told.Add("end");

    public void Say(string message) => Said.Add(message);

    public void Warn(string message) => Said.Add(message);

    public void Dispose() => _cancel.Dispose();
}
