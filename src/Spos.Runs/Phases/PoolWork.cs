using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>What a worker needs to score and train the paths of a supernet for another process.</summary>
public sealed record WorkerSpec
{
    public required DataSpec Data { get; init; }

    public required ScoringSpec Scoring { get; init; }

    /// <summary>What computes convolutions, and what in.</summary>
    public required (Engine.Ops.Convolutions.ConvolutionPlan Plan, Engine.Autograd.Precision Precision) Computing { get; init; }

    /// <summary>All options by name.</summary>
    public required IReadOnlyList<RunOption> Options { get; init; }

    /// <summary>Where trainings have their folders.</summary>
    public required string Folder { get; init; }

    /// <summary>What a recipe asks for; a <see cref="FormatException"/> if there is no such recipe.</summary>
    public required Func<TrainingRecipe, TrainerSpec> Trainer { get; init; }
}

/// <summary>What a recipe asks for.</summary>
/// <param name="Setup">Folder and pictures are the worker's.</param>
/// <param name="Dropout">Null for the supernet's.</param>
public sealed record TrainerSpec(TrainingSetup Setup, float EmaDecay, float? Dropout);

/// <summary>The paths of a supernet are scored and trained for another process.</summary>
public sealed class PoolWork : IDisposable
{
    // Of one training: another process of this machine may still be at it, stopped or given up.
    private const int MostCopies = 16;

    private readonly WorkerSpec _spec;
    private readonly ScoredSupernet _supernet;
    private readonly ScoringData _pictures;
    private readonly Device _device;
    private readonly IRunObserver _observer;
    private readonly CancellationTokenSource _stop;

    // The coordinator may ask again for what it has not got.
    private readonly Dictionary<(ulong Seed, Architecture Path), double> _known = [];

    // The folders of trainings that are done, by key. Until the run has taken one, it may be asked for again.
    private readonly Dictionary<string, string> _trained = [];

    // What takes memory while it scores; null while it does not.
    private Scorers? _scorers;
    private (ulong Seed, BatchSource Calibration, IPathScorer Scorer)? _scoring;
    private long _steps;

    private PoolWork(WorkerSpec spec, ScoredSupernet supernet, ScoringData pictures, Device device, RunContext context)
    {
        (_spec, _supernet, _pictures, _device) = (spec, supernet, pictures, device);
        _observer = new ObserverList(context.Observer, new StepCount(this));
        _stop = CancellationTokenSource.CreateLinkedTokenSource(context.Cancel);
        Facts = WorkFacts.Of(spec.Options, supernet, Preprocessing, pictures.Record, pictures.ClassNames, device);
    }

    /// <summary>All that a score depends on, and all that a training depends on besides its recipe.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; }

    /// <summary>The most paths that it scores together now.</summary>
    public int Room => _scoring?.Scorer.Room ?? 1;

    /// <summary>Batches since it began to score, or the step of the training that it is at. Any thread may ask.</summary>
    public long Steps => Interlocked.Read(ref _steps);

    /// <summary>It counts <see cref="Steps"/> anew, for other work.</summary>
    public void CountAnew() => Interlocked.Exchange(ref _steps, 0);

    /// <summary>The trainings that were begun in this worker's folder, by their keys: the one with the newest checkpoint first.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public IEnumerable<string> Begun => !Directory.Exists(_spec.Folder)
        ? []
        : Directory.GetDirectories(_spec.Folder)
            .Select(one => (Folder: one, Key: Path.GetFileName(one).Split('.')[0])).Where(one => IsKey(one.Key))
            .Select(one => (one.Key, Saved: LastSavedIn(one.Folder))).Where(one => one.Saved != null)
            .OrderByDescending(one => one.Saved)
            .Select(one => one.Key).Distinct();

    private Preprocessing Preprocessing => _spec.Data.PreprocessingOf(_supernet.Header);

    /// <summary>Opens checkpoint and pictures, and makes the cache of pictures if one is asked for.</summary>
    /// <returns>Null if it was stopped.</returns>
    /// <exception cref="SposException">They cannot be had.</exception>
    public static PoolWork? Open(WorkerSpec spec, RunContext context)
    {
        IRunObserver observer = context.Observer;
        FolderContents.Of(spec.Folder).RequireNoRun("worker");
        DeviceUse.Require(spec.Computing.Precision, spec.Computing.Plan);
        var opened = new Stack<IDisposable>();
        try
        {
            var supernet = new ScoredSupernet(spec.Scoring with { AnyFlops = true }, spec.Computing.Precision, observer.Warn);
            opened.Push(supernet);
            Device device = context.OpenDevice();
            var pictures = ScoringData.Open(spec.Data, spec.Scoring, supernet, device, observer);
            opened.Push(pictures);
            if (!pictures.Cache(observer, context.Cancel)) return null;
            var work = new PoolWork(spec, supernet, pictures, device, context);
            opened.Clear();
            return work;
        }
        finally
        {
            foreach (IDisposable one in opened) one.Dispose();
        }
    }

    /// <summary>The architecture that a text names.</summary>
    /// <exception cref="FormatException">It is none of the supernet's.</exception>
    public Architecture PathOf(string text)
    {
        var path = Architecture.Parse(text);
        return _supernet.Space.FaultOf(path) is { } fault ? throw new FormatException($"the architecture {fault}.") : path;
    }

    /// <param name="seed">Fixes the pictures that paths are recalibrated on.</param>
    public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths, ulong seed)
    {
        Architecture[] others = [.. paths.Where(path => !_known.ContainsKey((seed, path))).Distinct()];
        if (others.Length > 0)
        {
            foreach ((Architecture path, double score) in others.Zip(ScorerOf(seed).Score(others))) _known[(seed, path)] = score;
        }
        return [.. paths.Select(path => _known[(seed, path)])];
    }

    /// <summary>Trains a path, or goes on with that.</summary>
    /// <param name="key">What the coordinator expects the digest of all that it depends on to be.</param>
    /// <returns>The checkpoint; null if it was stopped, and what was done is saved.</returns>
    /// <exception cref="FormatException">Another network would be trained than the coordinator wants.</exception>
    public string? Train(TrainingRecipe recipe, Architecture path, ulong seed, string key, CancellationToken cancel)
    {
        LetGo();
        RunKind kind = RunKind.All.FirstOrDefault(one => one.IsPart && one.Command == recipe.Kind)
            ?? throw new FormatException($"there are no trainings called {Shown.Excerpt(recipe.Kind)}.");
        TrainerSpec trainer = _spec.Trainer(recipe);
        TrainingSetup setup = (trainer.Setup with { Folder = _spec.Folder, Data = _spec.Data }).FedAs(Preprocessing);
        setup.Check();
        ImageFolder train = _pictures.All;
        EvaluationData.RequireBatch(train, setup.Recipe.BatchSize, "--batch-size");
        NetworkSpec sizes = _supernet.Spec with { Affine = true };
        bool inherits = recipe.CameTo.Any(one => one is { Key: KeptOptions.CheckpointOption, Value.Length: > 0 });
        var training = new ArchitectureTraining
        {
            Kind = kind,
            Setup = setup,
            Options = [.. recipe.Options.Select(one => new RunOption(one.Key, one.Value, null, Influence.Kept))],
            CameTo = recipe.CameTo,
            Sizes = trainer.Dropout is { } dropout ? sizes with { Dropout = dropout } : sizes,
            Device = _device,
            Train = train,
            Val = _pictures.Val,
            Damage = _pictures.Damage,
            EmaDecay = trainer.EmaDecay,
            Inherited = inherits ? _supernet.Inherited(train, _observer) : null,
        };
        TrainingJob Copy(int copy) => new(path, seed, copy == 0 ? key : $"{key}.{copy}", $"training of {path}");
        // The key names folders.
        if (!IsKey(key) || training.KeyOf(Copy(0)) != key)
        {
            throw new FormatException("the network that it would train is not the one that is wanted: are the programs the same?");
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancel);
        var context = new RunContext(() => _device, _observer, stop.Token);
        string? damaged = null;
        for (int copy = 0; ; copy++)
        {
            TrainingJob job = Copy(copy);
            string folder = Path.Combine(_spec.Folder, job.Folder);
            try
            {
                training.RequireOwn(job);
                string? checkpoint = training.CheckpointOf(job, context);
                if (checkpoint != null) _trained[key] = Path.GetDirectoryName(checkpoint)!;
                return checkpoint;
            }
            catch (CheckpointException error) when (error.IsDamage && job.Folder != damaged)
            {
                // What was saved is no more than a saving of time.
                damaged = job.Folder;
                _observer.Warn($"{folder} has nothing to go on with. It is removed, and the training begun anew.");
                if (Remove(folder, "The training is begun in another folder.")) copy--;
            }
            catch (Exception error) when (copy < MostCopies && Path.Exists(folder) && IsClosed(error, out bool isInUse))
            {
                // The next folder is free, or has what a process that is gone has left.
                if (!isInUse) _observer.Warn($"{error.Message.TrimEnd('.')}. It is left as it is, and the training has another folder.");
            }
        }
    }

    /// <summary>Nothing more is wanted: what is under way is given up.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Removes trainings that were handed over. What cannot be removed is told, and left.</summary>
    /// <param name="keys">Those that the run has taken; null for all, as it is over.</param>
    public void RemoveTrained(IEnumerable<string>? keys = null)
    {
        foreach (string key in keys ?? [.. _trained.Keys])
        {
            if (_trained.Remove(key, out string? folder) && Directory.Exists(folder)) Remove(folder, "The run has what was trained there.");
        }
    }

    public void Dispose()
    {
        LetGo();
        _pictures.Dispose();
        _supernet.Dispose();
        _stop.Dispose();
    }

    // Whether it could be done; else it is told.
    private bool Remove(string folder, string consequence)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
            return true;
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            _observer.Warn($"{folder} could not be removed: {error.Message.TrimEnd('.')}. {consequence}");
            return false;
        }
    }

    // Null if it has no checkpoint, or none that can be seen: another worker may be removing the folder.
    private static DateTime? LastSavedIn(string folder)
    {
        try
        {
            return CheckpointFolder.Files(folder).LastOrDefault() is { } newest ? File.GetLastWriteTimeUtc(newest) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Whether a training's folder cannot be used as it is: another process is at it, it may not be read or written to, or it is something
    // else.
    private static bool IsClosed(Exception error, out bool isInUse)
    {
        isInUse = error.InnerException is { } cause && WriteException.TellsOfLock(cause);
        return isInUse || error is UsageException or UnauthorizedAccessException or CheckpointException { IsDamage: false }
            || error.InnerException is UnauthorizedAccessException;
    }

    private static bool IsKey(string key) => key.Length == 64 && key.All(char.IsAsciiHexDigitLower);

    private IPathScorer ScorerOf(ulong seed)
    {
        if (_scoring is { } now && now.Seed == seed) return now.Scorer;
        _scoring?.Calibration.Dispose();
        _scoring = null;
        var (plan, precision) = _spec.Computing;
        _scorers ??= new Scorers(_supernet, () => DeviceUse.NewSession(_device, plan, precision), 1);
        BatchSource calibration = _pictures.CalibrationOf(seed);
        IPathScorer scorer = _scorers.On(
            calibration, _pictures.Test, _stop.Token, _spec.Scoring.Together, batchDone: () => Interlocked.Increment(ref _steps))[0];
        _scoring = (seed, calibration, scorer);
        return scorer;
    }

    // Of the memory that scoring takes.
    private void LetGo()
    {
        _scoring?.Calibration.Dispose();
        _scorers?.Dispose();
        (_scoring, _scorers) = (null, null);
        _pictures.Test.Dispose();
    }

    private sealed class StepCount(PoolWork work) : IRunObserver
    {
        public void Stepped(StepReport report, bool isLogged) => Interlocked.Exchange(ref work._steps, report.Step);
    }
}
