using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Scores paths of a supernet, several at once: each scorer has a stream and a copy of the weights of its own.</summary>
internal sealed class Scorers : IDisposable
{
    private readonly List<(Session Session, ShuffleNetV2OneShot Network)> _copies = [];

    public Scorers(ScoredSupernet supernet, Func<Session> newSession, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Session session = newSession();
            _copies.Add((session, supernet.Load(session)));
        }
    }

    /// <summary>
    /// The scorers: the top-1 accuracy of a path on <paramref name="test"/>, recalibrated on <paramref name="calibration"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException">From a scorer: <paramref name="cancel"/> was signalled.</exception>
    public IReadOnlyList<Func<Architecture, double>> On(BatchSource calibration, BatchSource test, CancellationToken cancel) =>
        [.. _copies.Select(copy => (Func<Architecture, double>)(path => Score(copy, path, calibration.Until(cancel), test.Until(cancel))))];

    public void Dispose()
    {
        foreach ((Session session, ShuffleNetV2OneShot network) in _copies)
        {
            network.Dispose();
            session.Dispose();
        }
    }

    private static double Score(
        (Session Session, ShuffleNetV2OneShot Network) copy, Architecture path, IEnumerable<Batch> calibration, IEnumerable<Batch> test)
    {
        Evaluator.Recalibrate(copy.Session, copy.Network, path, calibration);
        return Evaluator.Measure(copy.Session, copy.Network, path, test).Top1;
    }
}
