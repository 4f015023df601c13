using Spos.Engine.Training;
using Spos.Runs;
using Spos.Space;

namespace Spos.Cli.Display;

/// <summary>Shows a run to the user: a progress bar for each of its parts, and what it says.</summary>
/// <param name="begun">Called when the run begins.</param>
internal sealed class RunConsole(Action? begun = null) : IRunObserver
{
    private ProgressDisplay? _progress;
    private long _predicted;

    public void Begin(RunBegin run) => begun?.Invoke();

    public void BeginPart(RunPart part) =>
        (_progress, _predicted) = (new ProgressDisplay(part.Title, part.Total, part.Unit), 0);

    public void Stepped(StepReport report, bool isLogged)
    {
        string slowest = report.Slowest is var (process, times) ? $"  {process} takes {times:0.0} times as long as the others" : "";
        _progress?.Report(
            report.Step, report.Images, $"epoch {report.Epoch + 1}  loss {report.Loss:0.000}  top-1 {report.Top1:0.0%}{slowest}");
    }

    public void Candidate(Candidate candidate, int count, double best) =>
        _progress?.Report(count, 1, $"generation {candidate.Generation + 1}  top-1 {candidate.Top1:0.0%}  best {best:0.0%}");

    public void Score(long done, double top1) => _progress?.Report(done, 1, $"top-1 {top1:0.0%}");

    public void Predicted(long done)
    {
        _progress?.Report(done, done - _predicted, "");
        _predicted = done;
    }

    public void Cached(long done) => _progress?.Report(done, 1, "");

    public void EndPart()
    {
        _progress?.End();
        _progress = null;
    }

    public void Say(string message) => Notice.Say(message);

    public void Warn(string message) => Notice.Warn(message);
}
