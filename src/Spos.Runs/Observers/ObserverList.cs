using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs.Observers;

/// <summary>Several observers as one: each is told in turn, and one thing at a time, whichever threads tell it.</summary>
public sealed class ObserverList(params IRunObserver[] observers) : IRunObserver
{
    private readonly Lock _lock = new();

    public void Begin(RunBegin run) => Tell(o => o.Begin(run));

    public void BeginPart(RunPart part) => Tell(o => o.BeginPart(part));

    public void Stepped(StepReport report, bool isLogged) => Tell(o => o.Stepped(report, isLogged));

    public void Measured(bool averaged, long atStep, int epoch, Accuracy accuracy) =>
        Tell(o => o.Measured(averaged, atStep, epoch, accuracy));

    public void Candidate(Candidate candidate, int count, double best) => Tell(o => o.Candidate(candidate, count, best));

    public void Generation(int generation, IReadOnlyList<Candidate> candidates) => Tell(o => o.Generation(generation, candidates));

    public void Score(long done, double top1) => Tell(o => o.Score(done, top1));

    public void Predicted(long done) => Tell(o => o.Predicted(done));

    public void Cached(long done) => Tell(o => o.Cached(done));

    public void Saved(string file) => Tell(o => o.Saved(file));

    public void PartDone() => Tell(o => o.PartDone());

    public void EndPart() => Tell(o => o.EndPart());

    public void Say(string message) => Tell(o => o.Say(message));

    public void Warn(string message) => Tell(o => o.Warn(message));

    private void Tell(Action<IRunObserver> what)
    {
        lock (_lock)
        {
            foreach (IRunObserver observer in observers) what(observer);
        }
    }
}
