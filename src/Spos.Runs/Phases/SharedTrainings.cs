using System.Collections.Concurrent;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Runs.Phases;

/// <summary>Trains architectures by this process, and by the workers of a pool where there is one.</summary>
/// <param name="done">Told of each job's number and what it came to, on the thread of the run.</param>
internal sealed class SharedTrainings(
    ArchitectureTraining training, IReadOnlyList<TrainingJob> jobs, Action<int, Accuracy> done, RunContext context) : IPooledTrainings
{
    // What this process has trained, by number.
    private readonly ConcurrentDictionary<int, Accuracy> _own = [];
    private int _done;

    public IReadOnlyList<PooledTraining> All { get; } =
        [.. jobs.Select(job => new PooledTraining(job.Path, job.Seed, training.KeyOf(job), job.Title, training.Steps))];

    /// <summary>
    /// A header, and for each parameter of four bytes the weight and its momentum and average; a batch norm's statistics, and their
    /// averages, are no more than its parameters.
    /// </summary>
    public long MostBytes { get; } =
        (32 << 20) + (5 * sizeof(float) * jobs.Max(job => NetworkParameters.Of(training.Sizes).Of(job.Path)));

    /// <param name="pool">Null for this process alone.</param>
    /// <returns>Whether all are trained; else it was stopped, and what was done is saved.</returns>
    public static bool Run(
        ArchitectureTraining training, IReadOnlyList<TrainingJob> jobs, IWorkPool? pool, Action<int, Accuracy> done, RunContext context)
    {
        if (jobs.Count == 0) return true;
        if (pool != null)
        {
            (int Number, TrainingJob Job)[] left = [.. jobs.Index().Where(one => !IsTaken(one.Index, one.Item))];
            if (left.Length == 0) return true;
            var shared = new SharedTrainings(
                training, [.. left.Select(one => one.Job)], (one, accuracy) => done(left[one].Number, accuracy), context);
            pool.Train(shared, context.Cancel);
            return shared._done == left.Length;
        }
        foreach ((int number, TrainingJob job) in jobs.Index())
        {
            if (training.Run(job, context) is not { } accuracy) return false;
            done(number, accuracy);
        }
        return true;

        // A run that was stopped while it measured has the network.
        bool IsTaken(int number, TrainingJob job)
        {
            if (training.MeasureEnd(job, context) is not { } accuracy) return false;
            done(number, accuracy);
            return true;
        }
    }

    public bool HasBegun(int number) => training.HasBegun(jobs[number]);

    public bool Train(int number, CancellationToken cancel)
    {
        if (training.Run(jobs[number], context with { Cancel = cancel }) is not { } accuracy) return false;
        _own[number] = accuracy;
        return true;
    }

    public string? Finish(int number, string? file)
    {
        (Accuracy accuracy, string? fault) = file == null ? (_own[number], null) : training.Take(jobs[number], file, context);
        if (fault != null) return fault;
        _done++;
        done(number, accuracy);
        return null;
    }
}
