using Spos.Cli.Display;
using Spos.Cli.Verbs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Runs;

/// <summary>Drives a <see cref="Trainer"/>: progress, log, checkpoints, going on and stopping.</summary>
internal sealed class TrainingRun(string title, Session session, ShuffleNetV2OneShot network, RunFolder folder, IReadOnlyDictionary<string, string> options)
{
    private readonly List<(long Step, double Loss, double Top1)> _curve = [];

    /// <summary>The last checkpoint written.</summary>
    public string CheckpointPath { get; private set; } = "";

    /// <summary>Puts the network and the trainer at the start, or where the folder's newest checkpoint left off.</summary>
    /// <exception cref="UsageException">There is no checkpoint, or it was made with other options.</exception>
    public void Begin(Trainer trainer, bool resume, Action initialise)
    {
        if (resume)
        {
            Resume(trainer);
            return;
        }
        initialise();
        folder.Clear();
    }

    /// <summary>Trains to the end, or until stopped.</summary>
    /// <returns>Whether it reached the end.</returns>
    public bool Train(Trainer trainer, int logFrequency, CancellationToken cancel)
    {
        if (trainer.StepsDone >= trainer.Steps) return true;
        ProgressDisplay.Run(title, trainer.Steps, "img", display =>
        {
            while (trainer.StepsDone < trainer.Steps && !cancel.IsCancellationRequested)
            {
                trainer.RunEpoch(step => Log(step, logFrequency, display), cancel);
                CheckpointPath = folder.Save(session, network, trainer.StepsDone, options);
            }
        });
        if (trainer.StepsDone < trainer.Steps)
        {
            Console.WriteLine($"Stopped at step {trainer.StepsDone} of {trainer.Steps}, saved to {CheckpointPath}. To go on, run the same command with --resume.");
            return false;
        }
        return true;
    }

    /// <summary>Draws the loss curve.</summary>
    /// <returns>Its path, or nothing if no step was logged.</returns>
    public string? Plot() => _curve.Count < 2 ? null : Plots.LossCurve(folder.Folder, title, _curve);

    private void Resume(Trainer trainer)
    {
        string path = RunFolder.NewestCheckpoint(folder.Folder) ?? throw new UsageException($"--resume: {folder.Folder} holds no checkpoint.");
        CheckpointHeader header = Checkpoint.Load(path, session, network);
        foreach ((string name, string value) in options)
        {
            string? before = header.Options.GetValueOrDefault(name);
            if (before != value) throw new UsageException($"--resume: {path} was made with --{name} {before ?? "(unset)"}, not {value}.");
        }
        trainer.StepsDone = header.StepsDone;
        CheckpointPath = path;
        Console.WriteLine($"Going on from {path}, step {header.StepsDone} of {trainer.Steps}.");
    }

    private void Log(StepReport step, int frequency, ProgressDisplay display)
    {
        display.Report(step.Step, step.Images, $"epoch {step.Epoch + 1}  loss {step.Loss:0.000}  top-1 {step.Top1:0.0%}");
        if (step.Step % frequency != 0 && step.Step != step.Steps) return;
        _curve.Add((step.Step, step.Loss, step.Top1));
        folder.Log(new { step = step.Step, epoch = step.Epoch, loss = step.Loss, top1 = step.Top1, learning_rate = step.LearningRate });
    }
}
