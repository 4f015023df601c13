using System.Globalization;
using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>An architecture that is to be trained.</summary>
/// <param name="Folder">The name of the training's folder.</param>
/// <param name="Title">What observers call the training.</param>
internal sealed record TrainingJob(Architecture Path, ulong Seed, string Folder, string Title);

/// <summary>Trains architectures that a run compares, each alone, in a folder below the run's own.</summary>
internal sealed record ArchitectureTraining
{
    // The option whose value may differ among an architecture's trainings.
    private const string SeedOption = "seed";

    /// <summary>The kind of the trainings.</summary>
    public required RunKind Kind { get; init; }

    /// <summary>What is asked of the run that compares them.</summary>
    public required TrainingSetup Setup { get; init; }

    /// <summary>The options that a training depends on.</summary>
    public required IReadOnlyList<RunOption> Options { get; init; }

    /// <summary>What options came to where that is not what was given.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> CameTo { get; init; } = [];

    /// <summary>The sizes of the networks.</summary>
    public required NetworkSpec Sizes { get; init; }

    public required Device Device { get; init; }

    /// <summary>What they are trained on.</summary>
    public required ImageFolder Train { get; init; }

    /// <summary>What they are measured on.</summary>
    public required ImageFolder Val { get; init; }

    /// <summary>The batches of <see cref="Val"/>; null where networks are not measured.</summary>
    public BatchSource? Test { get; init; }

    public required DamageReport Damage { get; init; }

    /// <summary>Of the moving average of the weights, which is then measured; 0 for none.</summary>
    public float EmaDecay { get; init; }

    /// <summary>What the architectures inherit; null for random weights.</summary>
    public InheritedWeights? Inherited { get; init; }

    /// <summary>How they are trained, as another process is told it.</summary>
    public TrainingRecipe Recipe => new(
        Kind.Command,
        [.. Options.Where(o => o.Influence == Influence.Kept).Select(o => KeyValuePair.Create(o.Name, o.Value ?? ""))], CameTo);

    /// <summary>The steps of a training.</summary>
    public long Steps => Setup.StepsOf(Train.Samples.Length);

    /// <summary>Trains an architecture, or goes on with that, and measures it.</summary>
    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    public Accuracy? Run(TrainingJob job, RunContext context)
    {
        Accuracy accuracy = default;
        bool isWhole = Reach(job, context, (run, network, _) => accuracy = Measure(run, network, job, context));
        return isWhole ? accuracy : null;
    }

    /// <summary>Trains an architecture, or goes on with that.</summary>
    /// <returns>The last checkpoint; null if it was stopped before the end, and what was done is saved.</returns>
    public string? CheckpointOf(TrainingJob job, RunContext context)
    {
        string? checkpoint = null;
        Reach(job, context, (run, _, _) => checkpoint = run.CheckpointPath);
        return checkpoint;
    }

    /// <summary>The digest of all that a training depends on, which its checkpoints tell.</summary>
    public string KeyOf(TrainingJob job)
    {
        CheckpointHeader header = CheckpointHeader.Of(Sizes, job.Path);
        TrainedOn data = DataRecord.TrainedOn(Train, Val);
        header.Options = new(KeptOf(job, SetupOf(job)).Values);
        (header.ClassNames, header.Train, header.Val) = ([.. data.ClassNames], data.Train, data.Val);
        return KeyOf(header);
    }

    /// <summary>Takes a checkpoint that another process has trained into the training's folder, and measures it.</summary>
    /// <returns>What it came to, or why the file is not what it should be.</returns>
    public (Accuracy Accuracy, string? Fault) Take(TrainingJob job, string file, RunContext context)
    {
        string taken;
        try
        {
            CheckpointHeader header = Checkpoint.Verify(file);
            if (KeyOf(header) != KeyOf(job)) return (default, "it is of another training");
            if (header.StepsDone != Steps) return (default, $"it has {header.StepsDone} steps, and not {Steps}");
            TrainingSetup setup = SetupOf(job);
            using var folder = new RunFolder(setup.Folder, Kind, context.Observer);
            NetworkRecord network = NetworkRecord.Of(Sizes, setup.Data.PreprocessingOf(null));
            RunRecord.Write(folder, setup.Options, Device, network, Train.Classes);
            taken = Path.Combine(folder.Folder, CheckpointFolder.NameOf(Steps));
            File.Move(file, taken, overwrite: true);
        }
        catch (CheckpointException error)
        {
            return (default, error.Message);
        }
        return MeasureTaken(job, taken, context);
    }

    /// <summary>Measures a network whose training's folder has its end, which another process may have trained.</summary>
    /// <returns>Null if the folder has no whole one.</returns>
    public Accuracy? MeasureEnd(TrainingJob job, RunContext context)
    {
        string end = Path.Combine(SetupOf(job).Folder, CheckpointFolder.NameOf(Steps));
        if (!File.Exists(end)) return null;
        try
        {
            if (KeyOf(Checkpoint.Verify(end)) != KeyOf(job)) return null;
        }
        catch (CheckpointException)
        {
            // Whoever trains it finds that, too, and goes on from the one before.
            return null;
        }
        (Accuracy accuracy, string? fault) = MeasureTaken(job, end, context);
        if (fault == null) return accuracy;
        context.Observer.Warn($"{end} is removed: {fault.TrimEnd('.')}.");
        return null;
    }

    /// <summary>Whether there is something to go on from.</summary>
    public bool HasBegun(TrainingJob job)
    {
        string folder = SetupOf(job).Folder;
        return Directory.Exists(folder) && CheckpointFolder.Files(folder).Any();
    }

    /// <summary>Refuses a training's folder that has checkpoints of another training, or of more steps, whatever it is called.</summary>
    /// <exception cref="UsageException">It has.</exception>
    public void RequireOwn(TrainingJob job)
    {
        string folder = SetupOf(job).Folder, key = KeyOf(job);
        string[] files;
        try
        {
            files = [.. CheckpointFolder.Files(folder)];
        }
        catch (DirectoryNotFoundException)
        {
            // Another worker may be removing it.
            return;
        }
        if (files.FirstOrDefault(IsStrange) is not { } strange) return;
        throw new UsageException($"{strange} is of another training than its folder is for.");

        bool IsStrange(string file)
        {
            try
            {
                CheckpointHeader header = Checkpoint.ReadHeader(file);
                return KeyOf(header) != key || header.StepsDone > Steps;
            }
            catch (CheckpointException)
            {
                // Whoever goes on in the folder sets it aside.
                return false;
            }
        }
    }

    // What a training's own folder holds of another process, which is removed if something is wrong with it.
    private (Accuracy Accuracy, string? Fault) MeasureTaken(TrainingJob job, string taken, RunContext context)
    {
        string fault;
        try
        {
            Accuracy accuracy = default;
            // It goes on from its end.
            Reach(job, context, (run, network, trainer) =>
            {
                trainer.RequireFiniteWeights(run.Average?.Network);
                accuracy = Measure(run, network, job, context);
            });
            return (accuracy, null);
        }
        catch (CheckpointException error) when (error.IsDamage)
        {
            fault = error.Message;
        }
        catch (DivergenceException)
        {
            fault = "its weights are no numbers";
        }
        File.Delete(taken);
        return (default, fault);
    }

    private Accuracy Measure(TrainingRun run, ShuffleNetV2OneShot network, TrainingJob job, RunContext context) =>
        Evaluator.Measure(run.Session, network, job.Path, Test!.Until(context.Cancel));

    private bool Reach(TrainingJob job, RunContext context, Action<TrainingRun, ShuffleNetV2OneShot, Trainer> then)
    {
        TrainingSetup setup = SetupOf(job);
        using var run = new TrainingRun(
            Kind, job.Title, setup, Device, Sizes, job.Path, KeptOf(job, setup), DataRecord.TrainedOn(Train, Val), context);
        using WeightAverage? average = EmaDecay > 0 ? new WeightAverage(run.Session, run.Network, EmaDecay) : null;
        run.Average = average;
        var trainer = new Trainer(run.Session, run.Network, Train, setup.Training, _ => [job.Path], Damage)
        {
            ReservedBytes = () => Test?.BytesToKeep ?? 0,
        };
        run.Begin(trainer, () => Inherited?.Give(run.Session, run.Network));
        if (!run.Train(trainer, null, context.Cancel)) return false;
        then(run, average?.Network ?? run.Network, trainer);
        return true;
    }

    private TrainingSetup SetupOf(TrainingJob job) => Setup with
    {
        Folder = Path.Combine(Setup.Folder, job.Folder),
        Data = Setup.Data with { Seed = job.Seed },
        Options = WithSeed(Setup.Options, job.Seed),
        // What there is to go on with is the whole run: this training may not have begun. And a run that begins anew has cleared it.
        Resume = false,
        Restart = false,
    };

    private KeptOptions KeptOf(TrainingJob job, TrainingSetup setup) => new(
        WithSeed(Options, job.Seed), [.. setup.PicturesCameTo(Train), .. CameTo, new("architecture", $"{job.Path}")]);

    // Of what a training has from its beginning on; the order of options does not matter.
    private static string KeyOf(CheckpointHeader header) => Convert.ToHexStringLower(SHA256.HashData(MessagePackSerializer.Serialize(
        header with
        {
            Options = new(header.Options.OrderBy(option => option.Key, StringComparer.Ordinal)),
            StepsDone = 0,
            BatchesTracked = null,
            Tensors = [],
        })));

    private static IReadOnlyList<RunOption> WithSeed(IReadOnlyList<RunOption> options, ulong seed) =>
        [.. options.Select(o => o.Name == SeedOption ? o with { Value = seed.ToString(CultureInfo.InvariantCulture) } : o)];
}
