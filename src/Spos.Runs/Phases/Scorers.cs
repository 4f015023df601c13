using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
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
    /// <param name="together">The most paths that a scorer takes together.</param>
    /// <param name="timeLeft">How long the search goes on at most.</param>
    /// <param name="batchDone">Told of each batch of pictures that a scorer is through with.</param>
    /// <exception cref="OperationCanceledException">From a scorer: <paramref name="cancel"/> was signalled.</exception>
    public IReadOnlyList<IPathScorer> On(
        BatchSource calibration, BatchSource test, CancellationToken cancel, int together = 1, Func<TimeSpan>? timeLeft = null,
        Action? batchDone = null) =>
    [
        .. _copies.Select(copy => new Scorer(
            copy.Session, copy.Network, source => Counted(source, batchDone, cancel), calibration, test, together,
            timeLeft ?? (() => TimeSpan.MaxValue))),
    ];

    private static IEnumerable<Batch> Counted(BatchSource source, Action? batchDone, CancellationToken cancel)
    {
        foreach (Batch batch in source.Until(cancel))
        {
            yield return batch;
            batchDone?.Invoke();
        }
    }

    public void Dispose()
    {
        foreach ((Session session, ShuffleNetV2OneShot network) in _copies)
        {
            network.Dispose();
            session.Dispose();
        }
    }

    private sealed class Scorer(
        Session session, ShuffleNetV2OneShot network, Func<BatchSource, IEnumerable<Batch>> batches, BatchSource calibration,
        BatchSource test, int together, Func<TimeSpan> timeLeft) : IPathScorer
    {
        // A search that is stopped loses what is being scored: no more than two minutes' work, or that part of all it has done.
        private const double MostLost = 0.05;
        private static readonly TimeSpan _alwaysAllowed = TimeSpan.FromMinutes(2);

        private int _most = together;
        private TimeSpan _spent;

        // Of one path, as the last group took it; null before the first.
        private TimeSpan? _time;

        // How long a path takes is known after the first, which is alone.
        public int Room => _time is not { } time ? 1 : (int)Math.Clamp(Least(Longest, timeLeft()) / time, 1, _most);

        private TimeSpan Longest => _spent * MostLost > _alwaysAllowed ? _spent * MostLost : _alwaysAllowed;

        public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths)
        {
            long start = Stopwatch.GetTimestamp();
            double[] scores = (paths.Count > 1 ? Together(paths) : null) ?? [.. paths.Select(Alone)];
            TimeSpan taken = Stopwatch.GetElapsedTime(start);
            _spent += taken;
            _time = taken / paths.Count;
            return scores;
        }

        // Null if the device has no room for that, which it may have for one path.
        private double[]? Together(IReadOnlyList<Architecture> paths)
        {
            try
            {
                return
                [
                    .. GroupEvaluator.Score(session, network, paths, batches(calibration), batches(test))
                        .Select(accuracy => accuracy.Top1),
                ];
            }
            catch (DeviceMemoryException)
            {
                _most = 1;
                return null;
            }
        }

        private double Alone(Architecture path)
        {
            Evaluator.Recalibrate(session, network, path, batches(calibration));
            return Evaluator.Measure(session, network, path, batches(test)).Top1;
        }

        private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
    }
}
