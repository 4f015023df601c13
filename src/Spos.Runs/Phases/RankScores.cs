using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>The supernet's scores of a ranking: makes those that are missing, and takes back those that turn out to be wrong.</summary>
/// <param name="paths">In the order of the ranking.</param>
/// <param name="test">The pictures of the scores.</param>
internal sealed class RankScores(
    RankSpec spec, ScoredSupernet supernet, Architecture[] paths, Device device, EvaluationData data, ImageFolder train, BatchSource test,
    RunFolder folder, RankState state, IWorkPool? pool, RunContext context)
{
    // By path and recalibration; null where there is none.
    private readonly double?[][] _scores = [.. paths.Select(_ => new double?[spec.Recalibrations])];

    /// <summary>Makes all scores that are missing.</summary>
    /// <param name="ranked">Given the scores; those that it has are kept.</param>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public void Complete(RankedArchitecture[] ranked)
    {
        foreach ((int i, RankedArchitecture one) in ranked.Index())
        {
            foreach ((int set, double score) in one.Scores.Index()) _scores[i][set] = score;
        }
        if (Enumerable.Range(0, spec.Recalibrations).All(set => Missing(set).Length == 0)) return;
        using var scorers = new Scorers(supernet, () => DeviceUse.NewSession(device, spec.Setup.Plan, spec.Setup.Precision), 1);
        long all = (long)paths.Length * spec.Recalibrations;
        var part = new RunPart(PartKind.Scoring, "supernet scores", folder.Folder, "score", all, Known);
        context.Observer.Observe(part, () =>
        {
            for (int set = 0; set < spec.Recalibrations; context.Cancel.ThrowIfCancellationRequested())
            {
                try
                {
                    ScoreSet(set, scorers);
                    set++;
                }
                catch (ScoresWithdrawnException wrong)
                {
                    Withdraw(ranked, wrong);
                    set = 0;
                }
            }
        });
        foreach (int i in Enumerable.Range(0, ranked.Length))
        {
            ranked[i] = ranked[i] with { Scores = [.. _scores[i].Select(score => score!.Value)] };
        }
    }

    /// <summary>Takes scores back. Those that were saved are so at once: the run may be stopped before it has others.</summary>
    public void Withdraw(RankedArchitecture[] ranked, ScoresWithdrawnException wrong)
    {
        bool wereSaved = false;
        foreach ((int i, Architecture path) in paths.Index())
        {
            int[] sets =
                [.. Enumerable.Range(0, spec.Recalibrations).Where(set => wrong.Scores.Contains((SeedOf(set), $"{path}")))];
            foreach (int set in sets) _scores[i][set] = null;
            if (sets.Length == 0 || ranked[i].Scores.Length == 0) continue;
            ranked[i] = ranked[i] with { Scores = [] };
            wereSaved = true;
        }
        if (wereSaved) state.Save(ranked, context.Observer);
    }

    private int Known => _scores.Sum(of => of.Count(score => score != null));

    private ulong SeedOf(int set) => spec.Setup.Data.Seed + (ulong)set;

    private int[] Missing(int set) => [.. Enumerable.Range(0, paths.Length).Where(i => _scores[i][set] == null)];

    private void ScoreSet(int set, Scorers scorers)
    {
        int[] left = Missing(set);
        if (left.Length == 0) return;
        ScoringSpec scoring = spec.Scoring;
        using BatchSource calibration = data.Calibration(train, scoring.TrainIters, scoring.TrainBatchSize, SeedOf(set));
        IReadOnlyList<IPathScorer> own = scorers.On(calibration, test, context.Cancel, pool == null ? 1 : scoring.Together);
        (pool?.Scorer(SeedOf(set), own) ?? new ScorerThreads(own)).Score(
            [.. left.Select(i => paths[i])],
            (one, score) =>
            {
                _scores[left[one]][set] = score;
                context.Observer.Score(Known, score);
            },
            context.Cancel);
    }
}
