using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>Drives a <see cref="Trainer"/>: metrics, checkpoints, going on and stopping, and what observers are told.</summary>
/// <param name="trainedOn">The data set, which checkpoints keep, and which a run that goes on must share.</param>
internal sealed class TrainingRun(
    string title, Session session, ShuffleNetV2OneShot network, RunFolder folder, KeptOptions options, TrainedOn trainedOn,
    TrainingSetup setup, IRunObserver watching)
{
    private readonly ObserverList _observer = new(new MetricsLog(folder), watching);
    private readonly List<(long Step, double Loss, double Top1)> _curve = [];
    private long _savedStep = -1;

    // Whether the epoch's end that the run stands at, if it does, has been measured.
    private bool _measured = true;

    /// <summary>The last checkpoint written.</summary>
    public string CheckpointPath { get; private set; } = "";

    /// <summary>Loss and top-1 of the logged steps, those of before the run went on too.</summary>
    public IReadOnlyList<(long Step, double Loss, double Top1)> Curve => _curve;

    /// <summary>Follows the network step by step and is saved with it; null for none.</summary>
    public WeightAverage? Average { get; init; }

    /// <summary>Puts the network and the trainer at the start, or where the folder's newest whole checkpoint left off.</summary>
    /// <exception cref="UsageException">
    /// There is a checkpoint that was made with other options or pictures, or --resume and none.
    /// </exception>
    public void Begin(Trainer trainer, Action initialise)
    {
        if (setup.Restart || folder.NewestWhole() is not var (path, header))
        {
            if (setup.Resume) throw new UsageException($"--resume: {folder.Folder} holds no checkpoint.");
            if (!setup.Restart) folder.RequireNoResult("checkpoint");
            initialise();
            folder.Clear();
            Average?.Begin(session);
        }
        else
        {
            options.Require(path, header.Options, setup.Data.AcceptChanged || header.Train != null);
            DataRecord.Of(header).Require(path, new DataRecord(trainedOn.Train, trainedOn.Val), setup.Data.AcceptChanged, _observer.Warn);
            Checkpoint.Load(path, session, network, Average?.Network);
            trainer.StepsDone = header.StepsDone;
            (CheckpointPath, _savedStep) = (path, header.StepsDone);
            _measured = false;
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
    }

    /// <summary>Trains to the end, or until stopped.</summary>
    /// <param name="epochDone">
    /// Called after each epoch with its number, from 1, before its checkpoint is written. If it is cancelled, it must have logged nothing:
    /// it is called again when the run goes on.
    /// </param>
    /// <returns>Whether it reached the end.</returns>
    /// <exception cref="InterruptedRunException">Training diverges, or the disk or the device is full.</exception>
    public bool Train(Trainer trainer, Action<int>? epochDone, CancellationToken cancel)
    {
        _measured |= epochDone == null || trainer.StepsDone == 0 || !EndsEpoch(trainer);
        if (trainer.StepsDone >= trainer.Steps && _measured) return true;
        try
        {
            var part = new RunPart(PartKind.Training, title, folder.Folder, "img", trainer.Steps, trainer.StepsDone);
            _observer.Observe(part, () =>
            {
                if (!_measured) FinishEpoch(trainer, epochDone);
                while (trainer.StepsDone < trainer.Steps && !cancel.IsCancellationRequested)
                {
                    trainer.RunEpoch(step => AfterStep(step, trainer), cancel);
                    if (EndsEpoch(trainer)) FinishEpoch(trainer, epochDone);
                    Save(trainer);
                }
            });
        }
        catch (SposException error) when (error is DivergenceException or DeviceMemoryException or WriteException)
        {
            throw new InterruptedRunException($"{error.Message} {WhatToDo(error)}", error);
        }
        if (trainer.StepsDone < trainer.Steps || !_measured)
        {
            _observer.Say(
                $"Stopped at step {trainer.StepsDone} of {trainer.Steps}, saved to {CheckpointPath}. "
                + "To go on, run the same command again.");
            return false;
        }
        return true;
    }

    /// <summary>Tells the accuracy on val after an epoch.</summary>
    public void LogAccuracy(bool averaged, long step, int epoch, Accuracy accuracy) => _observer.Measured(averaged, step, epoch, accuracy);

    // The epoch that a step belongs to; both are counted from 1.
    private static int EpochOf(long step, Trainer trainer) => (int)((step + trainer.StepsPerEpoch - 1) / trainer.StepsPerEpoch);

    private static float? NumberOf(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetSingle() : null;

    private static bool EndsEpoch(Trainer trainer) => trainer.StepsDone == trainer.Steps || trainer.StepsDone % trainer.StepsPerEpoch == 0;

    private void FinishEpoch(Trainer trainer, Action<int>? epochDone)
    {
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
            Save(trainer);
            throw;
        }
    }

    private string WhatToDo(SposException error)
    {
        string left = CheckpointPath.Length == 0 ? "No checkpoint was written yet" : $"The last checkpoint, {CheckpointPath}, is whole";
        return error switch
        {
            DivergenceException when CheckpointPath.Length == 0 => $"{left}.",
            // Rank trains from random weights alone.
            DivergenceException when folder.Kind == RunKind.RankedArchitecture => $"{left}: begin anew with --restart and other options.",
            DivergenceException =>
                $"{left}: begin anew with --restart and other options, or start from it with --load-checkpoint and another --output-dir.",
            WriteException => $"{left}: make room and run the same command again.",
            DeviceMemoryException { Option: not ("--batch-size" or null) and var option } =>
                $"{left}: run the same command again with a smaller {option}.",
            _ when CheckpointPath.Length > 0 => $"{left}: another --batch-size needs --restart.",
            _ => $"{left}.",
        };
    }

    private void AfterStep(StepReport step, Trainer trainer)
    {
        Average?.Follow(session, step.Step);
        bool isLogged = step.Step % setup.LogFrequency == 0 || step.Step == step.Steps;
        if (isLogged) _curve.Add((step.Step, step.Loss, step.Top1));
        _observer.Stepped(step, isLogged);
        // The end of an epoch is saved when what belongs to it is done.
        if (setup.SaveFrequency > 0 && step.Step % setup.SaveFrequency == 0 && !EndsEpoch(trainer)) Save(trainer);
    }

    private void Save(Trainer trainer)
    {
        long steps = trainer.StepsDone;
        if (steps == _savedStep) return;
        trainer.RequireFiniteWeights();
        CheckpointPath = folder.Save(session, network, steps, options.Values, Average?.Network, trainedOn);
        _savedStep = steps;
        _observer.Saved(CheckpointPath);
    }
}
