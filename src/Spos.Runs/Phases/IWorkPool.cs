using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Has candidates scored and networks trained by other processes as well.</summary>
public interface IWorkPool : IDisposable
{
    /// <summary>Scores by this process and the others.</summary>
    /// <param name="seed">Fixes the pictures that paths are recalibrated on.</param>
    /// <param name="own">The scorers of this process.</param>
    IGenerationScorer Scorer(ulong seed, IReadOnlyList<IPathScorer> own);

    /// <summary>Has networks trained, until all are or it is cancelled.</summary>
    void Train(IPooledTrainings trainings, CancellationToken cancel);

    /// <summary>The run is over: the others are told so when the pool is disposed of. If it only stops, they wait for it.</summary>
    void MarkDone();
}

/// <summary>What a pool is for.</summary>
/// <param name="Facts">Others may join whose facts (<see cref="WorkFacts"/>) are these.</param>
/// <param name="Recipe">How networks are trained; null where none are.</param>
/// <param name="Folder">The run's folder, where the pool says who works.</param>
public sealed record PoolSpec(IReadOnlyDictionary<string, string> Facts, TrainingRecipe? Recipe, string Folder, IRunObserver Observer);

/// <summary>How networks are trained, as other processes are told it.</summary>
/// <param name="Kind">What run.json calls the trainings.</param>
/// <param name="Options">The options that a training depends on, with their values as the command line takes them.</param>
/// <param name="CameTo">What options came to where that is not what was given.</param>
public sealed record TrainingRecipe(
    string Kind, IReadOnlyList<KeyValuePair<string, string>> Options, IReadOnlyList<KeyValuePair<string, string>> CameTo);

/// <summary>A network that is to be trained.</summary>
/// <param name="Key">The digest of all that the training depends on.</param>
/// <param name="Title">What users are told of it.</param>
/// <param name="Steps">How many it has.</param>
public sealed record PooledTraining(Architecture Path, ulong Seed, string Key, string Title, long Steps);

/// <summary>Networks that this process and others train.</summary>
public interface IPooledTrainings
{
    IReadOnlyList<PooledTraining> All { get; }

    /// <summary>The most bytes that the checkpoint of a trained network has.</summary>
    long MostBytes { get; }

    /// <summary>Whether this process has begun one before, and would go on with it.</summary>
    bool HasBegun(int number);

    /// <summary>Trains one here, on a thread of the pool's.</summary>
    /// <returns>Whether it came to its end.</returns>
    bool Train(int number, CancellationToken cancel);

    /// <summary>One is trained. It is told on the thread that <see cref="IWorkPool.Train"/> was called on.</summary>
    /// <param name="file">The checkpoint that another process has trained, which is moved away; null if this one has.</param>
    /// <returns>Why the file is not what it should be; null if it is.</returns>
    string? Finish(int number, string? file);
}

/// <summary>Scores turned out to be wrong: the run goes back to before it had them.</summary>
/// <param name="scores">The scores that are not to be believed, by what fixes their pictures and by architecture.</param>
public sealed class ScoresWithdrawnException(IReadOnlySet<(ulong Seed, string Path)> scores) : Exception("scores are withdrawn")
{
    public IReadOnlySet<(ulong Seed, string Path)> Scores => scores;
}
