using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Logs;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How a checkpoint is evaluated.</summary>
public sealed record EvaluationSpec
{
    public required DataSpec Data { get; init; }

    /// <summary>What computes convolutions.</summary>
    public ConvolutionPlan Plan { get; init; }

    /// <summary>What the network computes in.</summary>
    public Precision Precision { get; init; }

    /// <summary>A checkpoint, or the folder of a run.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>The path: a file or a list; null for the one that the checkpoint has.</summary>
    public string? Architecture { get; init; }

    /// <summary>Whether batch norm is recalibrated, as a supernet's always is.</summary>
    public bool Recalibrate { get; init; }

    /// <summary>Training batches that recalibrate batch norm.</summary>
    public int TrainIters { get; init; } = 200;

    /// <summary>Pictures of a recalibration batch.</summary>
    public int TrainBatchSize { get; init; } = 128;

    /// <summary>Pictures of a test batch.</summary>
    public int TestBatchSize { get; init; } = 512;

    public WeightKind Weights { get; init; }

    /// <summary>A folder for a TensorBoard event file with what it comes to; null for none.</summary>
    public string? EventFolder { get; init; }

    /// <summary>How many pictures that file shows, of those that the network is most wrong about.</summary>
    public int WrongPictures { get; init; }

    /// <summary>All that was asked for: several processes have to be asked for the same.</summary>
    public IReadOnlyList<RunOption> Options { get; init; } = [];
}

/// <summary>What an evaluation came to.</summary>
/// <param name="IsAveraged">Whether the weights were averaged ones.</param>
/// <param name="IsRecalibrated">Whether batch norm was recalibrated.</param>
public sealed record EvaluationResult(
    string Checkpoint, Architecture Architecture, bool IsAveraged, bool IsRecalibrated, long Flops, Accuracy Accuracy,
    MeasuredPictures Pictures, DamageReport Damage);

/// <summary>Evaluates a checkpoint on val.</summary>
public static class Evaluation
{
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static EvaluationResult Run(EvaluationSpec spec, RunContext context)
    {
        (Action<string> warn, IRanks ranks) = (context.Observer.Warn, context.Ranks);
        DeviceUse.Require(spec.Precision, spec.Plan);
        SharedRun.Require(ranks, spec.Plan);
        using CheckpointReader reader = CheckpointFolder.Open(spec.Checkpoint, warn);
        (string checkpoint, CheckpointHeader header) = (reader.Path, reader.Header);
        Architecture path = (header.Path, spec.Architecture) switch
        {
            (null, null) => throw new UsageException($"{checkpoint} is a supernet: name the path to evaluate with --architecture."),
            (null, string text) => NamedArchitecture.Read(text, header.Spec.Space),
            (Architecture own, null) => own,
            (Architecture own, string text) => NamedArchitecture.Read(text, header.Spec.Space).Equals(own)
                ? own
                : throw new CheckpointException($"{checkpoint} is of another network: it has the architecture {own}."),
        };
        ShuffleNetV2OneShot.Require(spec.Precision, header.Spec, header.Path);
        Device device = context.OpenDevice();
        ImageFolder val = spec.Data.OpenSplit("val", context.Observer);
        ClassCheck.Require(checkpoint, header, val, spec.Data.AcceptChanged, warn);
        var damage = new DamageReport(context.WarnOfShare);
        var asked = new KeptOptions(
            spec.Options,
            new Dictionary<string, string>
            {
                [KeptOptions.CheckpointOption] = Convert.ToHexString(header.Sha256),
                ["architecture"] = $"{path}",
                ["weights"] = $"{spec.Weights}",
            });

        using Session session = DeviceUse.NewSession(device, spec.Plan, spec.Precision);
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        bool averaged = TrainedWeights.Load(reader, session, network, spec.Weights), recalibrated = spec.Recalibrate || header.Path == null;
        var data = new EvaluationData(device, header.Spec.ImageSize, spec.Data, spec.Data.PreprocessingOf(header), damage);
        // Before train's room is looked for.
        SharedRun.InTurn(ranks, () => PictureCaches.Make(spec.Data, device, context.Observer, context.Cancel, val));
        ImageFolder? train = recalibrated ? spec.Data.OpenSplit("train", context.Observer) : null;
        SharedRun.RequireSame(ranks, device, asked, new TrainedOn(val.Classes, train?.Identity, val.Identity));
        if (train != null)
        {
            // Each process does all of it, to the same bits.
            SharedRun.InTurn(ranks, () => PictureCaches.Make(spec.Data, device, context.Observer, context.Cancel, train));
            using BatchSource calibration = data.Calibration(train, spec.TrainIters, spec.TrainBatchSize, spec.Data.Seed);
            Evaluator.Recalibrate(session, network, path, calibration.Until(context.Cancel));
        }
        using BatchSource test = data.Test(val, spec.TestBatchSize, ranks: ranks);
        WrongPictures? wrong =
            spec.EventFolder == null ? null : new WrongPictures(val, spec.TestBatchSize, damage, spec.WrongPictures);
        Accuracy accuracy = Evaluator.Measure(
            session, network, path, test.Until(context.Cancel), ranks: ranks, tell: wrong == null ? null : wrong.Add);
        wrong?.Share(ranks);
        damage.Share(ranks);
        if (wrong != null && ranks.IsFirst)
        {
            using var events = new EventWriter(spec.EventFolder!, 0);
            events.Scalars(
                header.StepsDone, ("loss/eval", accuracy.Loss), ("acc1/eval", accuracy.Top1), ("acc5/eval", accuracy.Top5));
            wrong.Write(events, header.StepsDone, session, network, path, data, spec.Data.PreprocessingOf(header));
        }
        return new EvaluationResult(
            checkpoint, path, averaged, recalibrated, NetworkFlops.Of(header.Spec).Of(path), accuracy, MeasuredPictures.Of(test, ranks),
            damage);
    }
}
