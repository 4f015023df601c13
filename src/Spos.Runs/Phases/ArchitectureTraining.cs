using System.Globalization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

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
    public IReadOnlyDictionary<string, string> CameTo { get; init; } = new Dictionary<string, string>();

    /// <summary>The sizes of the networks.</summary>
    public required NetworkSpec Sizes { get; init; }

    public required Device Device { get; init; }

    /// <summary>What they are trained on.</summary>
    public required ImageFolder Train { get; init; }

    /// <summary>What they are measured on.</summary>
    public required ImageFolder Val { get; init; }

    /// <summary>The batches of <see cref="Val"/>.</summary>
    public required BatchSource Test { get; init; }

    public required DamageReport Damage { get; init; }

    /// <summary>Of the moving average of the weights, which is then measured; 0 for none.</summary>
    public float EmaDecay { get; init; }

    /// <summary>What the architectures inherit; null for random weights.</summary>
    public InheritedWeights? Inherited { get; init; }

    /// <summary>Trains an architecture, or goes on with that, and measures it.</summary>
    /// <param name="folder">The name of the training's folder.</param>
    /// <param name="title">What observers call the training.</param>
    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    public Accuracy? Run(Architecture path, string folder, string title, ulong seed, RunContext context)
    {
        TrainingSetup setup = Setup with
        {
            Folder = Path.Combine(Setup.Folder, folder),
            Data = Setup.Data with { Seed = seed },
            Options = WithSeed(Setup.Options, seed),
            // What there is to go on with is the whole run: this training may not have begun.
            Resume = false,
        };
        IEnumerable<KeyValuePair<string, string>> cameTo = setup.PicturesCameTo(Train).Concat(CameTo);
        var kept = new KeptOptions(WithSeed(Options, seed), cameTo.Append(new("architecture", $"{path}")));
        using var run = new TrainingRun(
            Kind, title, setup, Device, Sizes, path, kept, DataRecord.TrainedOn(Train, Val), context.Observer);
        using WeightAverage? average = EmaDecay > 0 ? new WeightAverage(run.Session, run.Network, EmaDecay) : null;
        run.Average = average;
        var trainer = new Trainer(run.Session, run.Network, Train, setup.Training, _ => [path], Damage)
        {
            ReservedBytes = () => Test.BytesToKeep,
        };
        run.Begin(trainer, () => Inherited?.Give(run.Session, run.Network));
        return run.Train(trainer, null, context.Cancel)
            ? Evaluator.Measure(run.Session, average?.Network ?? run.Network, path, Test.Until(context.Cancel))
            : null;
    }

    private static IReadOnlyList<RunOption> WithSeed(IReadOnlyList<RunOption> options, ulong seed) =>
        [.. options.Select(o => o.Name == SeedOption ? o with { Value = seed.ToString(CultureInfo.InvariantCulture) } : o)];
}
