using Spos.Engine.Training;
using Spos.Runs.Folders;

namespace Spos.Runs.Observers;

/// <summary>Writes what a training comes to into its folder's metrics.jsonl, one JSON object a line.</summary>
public sealed class MetricsLog(RunFolder folder) : IRunObserver
{
    /// <summary>The name of the first guesses' share on val.</summary>
    internal static string Top1Of(bool averaged) => $"{KindOf(averaged)}_top1";

    public void Stepped(StepReport report, bool isLogged)
    {
        if (!isLogged) return;
        folder.Log(new
        {
            step = report.Step,
            epoch = report.Epoch + 1,
            loss = report.Loss,
            top1 = report.Top1,
            top5 = report.Top5,
            learning_rate = report.LearningRate,
        });
    }

    public void Measured(bool averaged, long atStep, int epoch, Accuracy accuracy)
    {
        string kind = KindOf(averaged);
        folder.Log(new Dictionary<string, object>
        {
            ["step"] = atStep,
            ["epoch"] = epoch,
            [$"{kind}_loss"] = accuracy.Loss,
            [Top1Of(averaged)] = accuracy.Top1,
            [$"{kind}_top5"] = accuracy.Top5,
        });
    }

    private static string KindOf(bool averaged) => averaged ? "ema" : "val";
}
