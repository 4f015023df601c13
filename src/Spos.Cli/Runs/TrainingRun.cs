using System.Text.Json;
using Spos.Cli.Display;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Logs;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Runs;

/// <summary>Drives a <see cref="Trainer"/>: progress, logs, checkpoints, going on and stopping.</summary>
/// <param name="trainedOn">The data set, which checkpoints keep, and which a run that goes on must share.</param>
internal sealed class TrainingRun(string title, Session session, ShuffleNetV2OneShot network, RunFolder folder, KeptOptions options, TrainedOn trainedOn, RunStart start) : IDisposable
{
    private readonly List<(long Step, double Loss, double Top1)> _curve = [];
    private EventWriter? _events;
    private long _savedStep = -1;

    // Whether the epoch's end that the run stands at, if it does, has been measured.
    private bool _measured = true;

    /// <summary>The last checkpoint written.</summary>
    public string CheckpointPath { get; private set; } = "";

    /// <summary>Steps between lines of the log.</summary>
    public required int LogFrequency { get; init; }

    /// <summary>Steps between checkpoints, besides the one after each epoch; 0 for none.</summary>
    public required int SaveFrequency { get; init; }

    /// <summary>Follows the network step by step and is saved with it; null for none.</summary>
    public WeightAverage? Average { get; init; }

    /// <summary>Puts the network and the trainer at the start, or where the folder's newest whole checkpoint left off.</summary>
    /// <exception cref="UsageException">There is a checkpoint that was made with other options or pictures, or --resume and none.</exception>
    public void Begin(Trainer trainer, Action initialise)
    {
        if (start.Restart || folder.NewestWhole() is not var (path, header))
        {
            if (start.Resume) throw new UsageException($"--resume: {folder.Folder} holds no checkpoint.");
            if (!start.Restart) folder.RequireNoResult("checkpoint");
            initialise();
            folder.Clear();
            Average?.Begin(session);
        }
        else
        {
            options.Require(path, header.Options, start.AcceptChangedData || header.Train != null);
            DataRecord.Of(header).Require(path, new DataRecord(trainedOn.Train, trainedOn.Val), start.AcceptChangedData);
            Checkpoint.Load(path, session, network, Average?.Network);
            trainer.StepsDone = header.StepsDone;
            (CheckpointPath, _savedStep) = (path, header.StepsDone);
            _measured = false;
            foreach (JsonElement line in folder.KeepMetrics(header.StepsDone))
            {
                if (line.TryGetProperty("val_top1", out _)) _measured |= line.GetProperty("step").GetInt64() == header.StepsDone;
                // As precise as they were, so that the plot is the same.
                if (line.TryGetProperty("loss", out JsonElement loss) && line.TryGetProperty("top1", out JsonElement top1) && loss.ValueKind == JsonValueKind.Number && top1.ValueKind == JsonValueKind.Number)
                {
                    _curve.Add((line.GetProperty("step").GetInt64(), loss.GetSingle(), top1.GetSingle()));
                }
            }
            Notice.Say($"Going on from {path}, step {header.StepsDone} of {trainer.Steps}.");
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
            _events = new EventWriter(start.TbDir ?? folder.Folder, trainer.StepsDone);
            ProgressDisplay.Run(title, trainer.Steps, "img", display =>
            {
                if (!_measured) FinishEpoch(trainer, epochDone);
                while (trainer.StepsDone < trainer.Steps && !cancel.IsCancellationRequested)
                {
                    trainer.RunEpoch(step => AfterStep(step, trainer, display), cancel);
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
            Notice.Say($"Stopped at step {trainer.StepsDone} of {trainer.Steps}, saved to {CheckpointPath}. To go on, run the same command again.");
            return false;
        }
        return true;
    }

    /// <summary>Logs the accuracy after an epoch.</summary>
    /// <param name="kind">"val", or of averaged weights "ema".</param>
    public void LogAccuracy(string kind, long step, int epoch, Accuracy accuracy)
    {
        folder.Log(new Dictionary<string, object>
        {
            ["step"] = step,
            ["epoch"] = epoch,
            [$"{kind}_loss"] = accuracy.Loss,
            [$"{kind}_top1"] = accuracy.Top1,
            [$"{kind}_top5"] = accuracy.Top5,
        });
        string tag = kind == "val" ? "test" : kind;
        _events?.Scalars(epoch, ($"loss/{tag}", accuracy.Loss), ($"acc1/{tag}", accuracy.Top1), ($"acc5/{tag}", accuracy.Top5));
    }

    /// <summary>Draws the loss curve.</summary>
    /// <returns>Its path, or nothing if no step was logged.</returns>
    public string? Plot() => _curve.Count < 2 ? null : Plots.LossCurve(folder.Folder, title, _curve);

    public void Dispose() => _events?.Dispose();

    // The epoch that a step belongs to; both are counted from 1.
    private static int EpochOf(long step, Trainer trainer) => (int)((step + trainer.StepsPerEpoch - 1) / trainer.StepsPerEpoch);

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
            DeviceMemoryException { Option: not ("--batch-size" or null) and var option } => $"{left}: run the same command again with a smaller {option}.",
            _ when CheckpointPath.Length > 0 => $"{left}: another --batch-size needs --restart.",
            _ => $"{left}.",
        };
    }

    private void AfterStep(StepReport step, Trainer trainer, ProgressDisplay display)
    {
        Average?.Follow(session, step.Step);
        int epoch = EpochOf(step.Step, trainer);
        display.Report(step.Step, step.Images, $"epoch {epoch}  loss {step.Loss:0.000}  top-1 {step.Top1:0.0%}");
        if (step.Step % LogFrequency == 0 || step.Step == step.Steps)
        {
            _curve.Add((step.Step, step.Loss, step.Top1));
            folder.Log(new { step = step.Step, epoch, loss = step.Loss, top1 = step.Top1, top5 = step.Top5, learning_rate = step.LearningRate });
            _events?.Scalars(step.Step, ("lr", step.LearningRate), ("loss/train", step.Loss), ("acc1/train", step.Top1), ("acc5/train", step.Top5));
        }
        // The end of an epoch is saved when what belongs to it is done.
        if (SaveFrequency > 0 && step.Step % SaveFrequency == 0 && !EndsEpoch(trainer)) Save(trainer);
    }

    private void Save(Trainer trainer)
    {
        long steps = trainer.StepsDone;
        if (steps == _savedStep) return;
        trainer.RequireFiniteWeights();
        CheckpointPath = folder.Save(session, network, steps, options.Values, Average?.Network, trainedOn);
        _savedStep = steps;
    }
}
