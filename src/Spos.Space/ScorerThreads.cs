using System.Runtime.ExceptionServices;

namespace Spos.Space;

/// <summary>Scores generations by as many threads as there are scorers, which all give the same.</summary>
public sealed class ScorerThreads(IReadOnlyList<IPathScorer> scorers) : IGenerationScorer
{
    public void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel)
    {
        var queue = new PathQueue(paths);
        ExceptionDispatchInfo? failure = null;
        void Work(IPathScorer scorer)
        {
            try
            {
                while (failure == null && !cancel.IsCancellationRequested)
                {
                    int room = scorer.Room;
                    int[] taken;
                    lock (queue) taken = queue.Take(room, scorers.Count);
                    if (taken.Length == 0) return;
                    IReadOnlyList<double> scores = scorer.Score([.. taken.Select(i => paths[i])]);
                    foreach ((int i, double score) in taken.Zip(scores)) done(i, score);
                }
            }
            catch (Exception error)
            {
                failure ??= ExceptionDispatchInfo.Capture(error);
            }
        }

        Thread[] threads = [.. scorers.Skip(1).Select(scorer => new Thread(() => Work(scorer)))];
        foreach (Thread thread in threads) thread.Start();
        Work(scorers[0]);
        foreach (Thread thread in threads) thread.Join();
        failure?.Throw();
    }
}
