using Spos.Engine.Logs;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs.Observers;

/// <summary>
/// Writes TensorBoard's event files, by NNI's names of the values: one for each training and search, with the options for HPARAMS.
/// </summary>
/// <param name="folder">Where they go; null for the folder of the part.</param>
public sealed class EventLog(string? folder) : IRunObserver, IDisposable
{
    private EventWriter? _events;
    private long _last;

    public void BeginPart(RunPart part)
    {
        if (part.Kind is not (PartKind.Training or PartKind.Search)) return;
        (_events, _last) = (new EventWriter(folder ?? part.Folder, part.FirstStep), part.Total);
        _events.SessionBegins(part.Options.OrderBy(option => option.Key, StringComparer.Ordinal));
    }

    public void Stepped(StepReport report, bool isLogged)
    {
        if (!isLogged) return;
        _events?.Scalars(
            report.Step, ("lr", report.LearningRate), ("loss/train", report.Loss), ("acc1/train", report.Top1),
            ("acc5/train", report.Top5));
    }

    public void Measured(bool averaged, long atStep, int epoch, Accuracy accuracy)
    {
        string tag = averaged ? "ema" : "test";
        _events?.Scalars(epoch, ($"loss/{tag}", accuracy.Loss), ($"acc1/{tag}", accuracy.Top1), ($"acc5/{tag}", accuracy.Top5));
    }

    public void Candidate(Candidate candidate, int count, double best) =>
        _events?.Scalars(count, ("acc1/candidate", candidate.Top1), ("acc1/best", best), ("flops/candidate", candidate.Flops));

    public void Generation(int generation, IReadOnlyList<Candidate> candidates)
    {
        if (candidates.Count > 0) _events?.Scalars(generation, ("acc1/generation_mean", candidates.Average(c => c.Top1)));
    }

    public void PartDone() => _events?.SessionEnds(_last);

    public void EndPart() => Dispose();

    public void Dispose()
    {
        _events?.Dispose();
        _events = null;
    }
}
