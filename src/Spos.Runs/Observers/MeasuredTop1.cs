using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Runs.Folders;

namespace Spos.Runs.Observers;

/// <summary>Finds in a run's metrics how well a checkpoint's network did on val.</summary>
public static class MeasuredTop1
{
    private const int MostBytesOfLine = 64 << 10;

    /// <summary>From 0 to 1; null where it was not measured at the checkpoint's step, or the metrics do not lie beside it.</summary>
    /// <param name="checkpoint">The checkpoint's file.</param>
    /// <param name="averaged">Whether it is asked of the averaged weights.</param>
    public static double? Of(string checkpoint, CheckpointHeader header, bool averaged)
    {
        string metrics = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!, RunFolder.MetricsName);
        // What a supernet's metrics measure is a path, and not all of it.
        if (header.Path == null || !File.Exists(metrics) || RegularFile.IsOther(metrics)) return null;
        double? top1 = null;
        foreach (string line in ShortLines.Read(metrics, MostBytesOfLine)) top1 = In(line, header.StepsDone, averaged) ?? top1;
        return top1;
    }

    private static double? In(string line, long step, bool averaged)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("step", out JsonElement at) && at.ValueKind == JsonValueKind.Number
                && at.TryGetInt64(out long atStep) && atStep == step
                && root.TryGetProperty(MetricsLog.Top1Of(averaged), out JsonElement value) && value.ValueKind == JsonValueKind.Number
                && value.GetDouble() is >= 0 and <= 1 and var top1
                ? top1
                : null;
        }
        catch (JsonException)
        {
            // A line that was broken off.
            return null;
        }
    }
}
