using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>
/// A training that leaves a folder: opens the folder and makes the network, and then drives a <see cref="Trainer"/>: metrics, checkpoints,
/// going on and stopping, and what observers are told.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly string _title;
    private readonly TrainingSetup _setup;
    private readonly KeptOptions _kept;
    private readonly TrainedOn _trainedOn;
    private readonly ObserverList _observer;
    private readonly RunFolder? _folder;
    private readonly IRanks _ranks;
    private readonly List<(long Step, double Loss, double Top1)> _curve = [];
    private long _savedStep = -1;

    // Whether the epoch's end that the run stands at, if it does, has been measured.
    private bool _measured = true;

    /// <param name="path">The path that is trained; null for a supernet.</param>
    /// <param name="trainedOn">The data set, which checkpoints keep, and which a run that goes on must share.</param>
    /// <exception cref="UsageException">The folder belongs to another run.</exception>
    public TrainingRun(
        RunKind kind, string title, TrainingSetup setup, Device device, NetworkSpec sizes, Architecture? path, KeptOptions kept,
        TrainedOn trainedOn, RunContext context)
    {
        (_title, _setup, _kept, _trainedOn, _ranks, Kind) = (title, setup, kept, trainedOn, context.Ranks, kind);
        IRunObserver observer = context.Observer;
        // The first process alone has the folder.
        if (_ranks.IsFirst) _folder = new RunFolder(setup.Folder, kind, observer);
        _observer = _folder == null ? new ObserverList(observer) : new ObserverList(new MetricsLog(_folder), observer);
        try
        {
            Session = DeviceUse.NewSession(device, setup.Plan, setup.Precision);
            Network = new ShuffleNetV2OneShot(Session, sizes, path);
            string told = "";
            // Devices of one process have the same memory.
            Link = _ranks is DeviceRanks ? null : NcclLink.Open(_ranks, Session, setup.Transport, out told);
            TransportNote = told.Length == 0 ? "" : $" {told}";
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where it leaves its files.</summary>
    public string Folder => _folder?.Folder ?? Path.GetFullPath(_setup.Folder);

    private RunKind Kind { get; }

    public Session Session { get; } = null!;

    public ShuffleNetV2OneShot Network { get; } = null!;

    /// <summary>What carries gradients between GPUs of several processes; null if it is not NCCL.</summary>
    public NcclLink? Link { get; }

    /// <summary>What carries gradients, as a sentence after others; empty for a process that stands alone.</summary>
    public string TransportNote { get; } = "";

    /// <summary>The last checkpoint written.</summary>
    public string CheckpointPath { get; private set; } = "";

    /// <summary>Loss and top-1 of the logged steps, those of before the run went on too.</summary>
    public IReadOnlyList<(long Step, double Loss, double Top1)> Curve => _curve;

    /// <summary>Follows the network step by step and is saved with it; null for none.</summary>
    public WeightAverage? Average { get; set; }

    /// <summary>
    /// Puts the network and the trainer at the start, or where the folder's newest whole checkpoint left off, and leaves the record of the
    /// run.
    /// </summary>
    /// <param name="load">Gives a network at the start the weights that it begins from; null for random ones.</param>
    /// <exception cref="UsageException">
    /// There is a checkpoint that was made with other options or pictures, or --resume and none.
    /// </exception>
    public void Begin(Trainer trainer, Action? load = null)
    {
        SharedRun.RequireSame(_ranks, Session.Device, _kept, _trainedOn);
        if (_folder != null) Begin(_folder, trainer, load);
        var progress = new RunProgress(trainer.StepsDone, _savedStep, _measured);
        (trainer.StepsDone, _savedStep, _measured) = SharedRun.Begin(_ranks, Session, Network, Average?.Network, progress);
    }

    private void Begin(RunFolder folder, Trainer trainer, Action? load)
    {
        if (_setup.Restart || folder.NewestWhole() is not var (path, header))
        {
            if (_setup.Resume) throw new UsageException($"--resume: {folder.Folder} holds no checkpoint.");
            if (!_setup.Restart) folder.RequireNoResult("checkpoint");
            Initialisation.Initialise(Network, Session.Stream, _setup.Data.Seed, _setup.Init);
            load?.Invoke();
            folder.Clear();
            Average?.Begin(Session);
        }
        else
        {
            _kept.Require(path, header.Options, _setup.Data.AcceptChanged || header.Train != null);
            var data = new DataRecord(_trainedOn.Train, _trainedOn.Val);
            DataRecord.Of(header).Require(path, data, _setup.Data.AcceptChanged, _observer.Warn);
            Checkpoint.Load(path, Session, Network, Average?.Network);
            trainer.StepsDone = header.StepsDone;
            (CheckpointPath, _savedStep) = (path, header.StepsDone);
            _measured = false;
            folder.RemoveOldCheckpoints();
            foreach (JsonElement line in folder.KeepMetrics(header.StepsDone))
            {
                if (line.TryGetProperty("val_top1", out _)) _measured |= line.GetProperty("step").GetInt64() == header.StepsDone;
                // As precise as they were, so that the plot is the same.
                if (NumberOf(line, "loss") is { } loss && NumberOf(line, "top1") is { } top1)
                {
                    _curve.Add((line.GetProperty("step").GetInt64(), loss, top1));
                }
            }
            _observer.Say($"Going on from {path}, step {header.StepsDone} of {trainer.Steps}.");
        }
        NetworkRecord network = NetworkRecord.Of(Network.Spec, _setup.Data.PreprocessingOf(null));
        RunRecord.Write(folder, _setup.Options, Session.Device, network, _trainedOn.ClassNames);
    }

    /// <summary>Trains to the end, or until stopped.</summary>
    /// <param name="epochDone">
    /// Called after each epoch with its number, from 1: before its checkpoint is written where one works alone, and after it where several
    /// do, so that a failure in it loses nothing. If it is cancelled, it must have logged nothing: it is called again when the run goes on.
    /// </param>
    /// <returns>Whether it reached the end.</returns>
    /// <exception cref="InterruptedRunException">Training diverges, or the disk or the device is full.</exception>
    public bool Train(Trainer trainer, Action<int>? epochDone, CancellationToken cancel)
    {
        bool isDone = TrainOn(trainer, epochDone, cancel);
        Link?.Close();
        return isDone;
    }

    private bool TrainOn(Trainer trainer, Action<int>? epochDone, CancellationToken cancel)
    {
        _measured |= epochDone == null || trainer.StepsDone == 0 || !EndsEpoch(trainer);
        if (trainer.StepsDone >= trainer.Steps && _measured) return true;
        try
        {
            var part = new RunPart(PartKind.Training, _title, Folder, "img", trainer.Steps, trainer.StepsDone)
            {
                Options = _kept.With(_setup.Options),
            };
            _observer.Observe(part, () =>
            {
                if (!_measured) FinishEpoch(trainer, epochDone);
                while (trainer.StepsDone < trainer.Steps && !cancel.IsCancellationRequested)
                {
                    trainer.RunEpoch(step => AfterStep(step, trainer), cancel);
                    if (EndsEpoch(trainer)) FinishEpoch(trainer, epochDone);
                    Save(trainer);
                }
                if (trainer.StepsDone >= trainer.Steps && _measured) _observer.PartDone();
            });
        }
        catch (WriteException error)
        {
            throw InterruptedRunException.Of(error, Left);
        }
        catch (SposException error) when (error is DivergenceException or DeviceMemoryException)
        {
            throw new InterruptedRunException($"{error.Message} {WhatToDo(error)}", error);
        }
        if (trainer.StepsDone < trainer.Steps || !_measured)
        {
            // None has ended because of another's failure, which is to be told instead.
            _ranks.GatherAll<byte>([]);
            _observer.Say(
                (CheckpointPath.Length == 0
                    ? "Stopped before the first step. "
                    : $"Stopped at step {trainer.StepsDone} of {trainer.Steps}, saved to {CheckpointPath}. ")
                + "To go on, run the same command again.");
            return false;
        }
        return true;
    }

    public void Dispose()
    {
        Link?.Dispose();
        Network?.Dispose();
        Session?.Dispose();
        _folder?.Dispose();
    }

    /// <summary>Writes result.json: what the run came to, for programs.</summary>
    public void WriteResult(object result) => _folder?.WriteResult(result);

    /// <summary>Tells the accuracy on val after an epoch.</summary>
    public void LogAccuracy(bool averaged, long step, int epoch, Accuracy accuracy) => _observer.Measured(averaged, step, epoch, accuracy);

    // The epoch that a step belongs to; both are counted from 1.
    private static int EpochOf(long step, Trainer trainer) => (int)((step + trainer.StepsPerEpoch - 1) / trainer.StepsPerEpoch);

    private static float? NumberOf(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetSingle() : null;

    private static bool EndsEpoch(Trainer trainer) => trainer.StepsDone == trainer.Steps || trainer.StepsDone % trainer.StepsPerEpoch == 0;

    private void FinishEpoch(Trainer trainer, Action<int>? epochDone)
    {
        // One of several may fail of the measurement, and none saves without the others.
        if (_ranks.Count > 1) Save(trainer);
        try
        {
            epochDone?.Invoke(EpochOf(trainer.StepsDone, trainer));
            _measured = true;
        }
        catch (OperationCanceledException)
        {
            _measured = false;
        }
        catch (DeviceMemoryException)
        {
            // What was trained is not lost: the run goes on with smaller batches to measure.
            _measured = false;
            if (_ranks.Count == 1) Save(trainer);
            throw;
        }
    }

    // What is there to go on from, as far as this process knows.
    private string Left =>
        !HasCheckpoint ? "No checkpoint was written yet"
        : _folder == null ? $"Checkpoints in {Folder} are whole" : $"The last checkpoint, {CheckpointPath}, is whole";

    private bool HasCheckpoint => _folder == null ? _savedStep >= 0 : CheckpointPath.Length > 0;

    private string WhatToDo(SposException error) => error switch
    {
        DivergenceException when !HasCheckpoint => $"{Left}.",
        // The run that it is a part of begins all of its parts alike.
        DivergenceException when Kind.IsPart => $"{Left}: begin anew with --restart and other options.",
        DivergenceException =>
            $"{Left}: begin anew with --restart and other options, or start from it with --load-checkpoint and another --output-dir.",
        DeviceMemoryException { Option: not ("--batch-size" or null) and var option } =>
            $"{Left}: run the same command again with a smaller {option}.",
        _ when HasCheckpoint => $"{Left}: another --batch-size needs --restart.",
        _ => $"{Left}.",
    };

    private void AfterStep(StepReport step, Trainer trainer)
    {
        Average?.Follow(Session, step.Step);
        bool isLogged = step.Step % _setup.LogFrequency == 0 || step.Step == step.Steps;
        if (isLogged) _curve.Add((step.Step, step.Loss, step.Top1));
        _observer.Stepped(step, isLogged);
        // The end of an epoch is saved by itself.
        if (_setup.SaveFrequency > 0 && step.Step % _setup.SaveFrequency == 0 && !EndsEpoch(trainer)) Save(trainer);
    }

    private void Save(Trainer trainer)
    {
        long steps = trainer.StepsDone;
        if (steps == _savedStep) return;
        trainer.RequireFiniteWeights(Average?.Network);
        SharedNetwork.RequireSame(_ranks, Session, Network, Average?.Network);
        _savedStep = steps;
        if (_folder == null) return;
        CheckpointPath = _folder.Save(Session, Network, steps, _kept.Values, Average?.Network, _trainedOn);
        _observer.Saved(CheckpointPath);
    }
}
