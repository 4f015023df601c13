using System.Globalization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>
/// A network's sizes as they are asked for. What is left open is that of the network where an architecture or weights come from, or else
/// official.
/// </summary>
/// <param name="StageRepeats">Empty if left open.</param>
/// <param name="StageChannels">Empty if left open.</param>
public sealed record NetworkSizes(
    int? ImageSize, int? StemChannels, IReadOnlyList<int> StageRepeats, IReadOnlyList<int> StageChannels, int? LastChannels, float Dropout,
    BlockSet? BlockSet = null)
{
    /// <summary>Whether any size is asked for.</summary>
    public bool AreGiven => (ImageSize ?? StemChannels ?? LastChannels) != null || StageRepeats.Count > 0 || StageChannels.Count > 0;

    /// <summary>The network that is asked for.</summary>
    /// <exception cref="UsageException">There is no such network, or it is not the origin's.</exception>
    public NetworkSpec Spec(int classes, bool affine, NetworkOrigin? origin = null)
    {
        NetworkSpec basis = origin?.Spec(classes) ?? new NetworkSpec();
        var spec = new NetworkSpec
        {
            ImageSize = ImageSize ?? basis.ImageSize,
            Classes = classes,
            StemChannels = StemChannels ?? basis.StemChannels,
            StageRepeats = StageRepeats.Count > 0 ? [.. StageRepeats] : basis.StageRepeats,
            StageChannels = StageChannels.Count > 0 ? [.. StageChannels] : basis.StageChannels,
            LastChannels = LastChannels ?? basis.LastChannels,
            BlockSet = BlockSet ?? basis.BlockSet,
            Dropout = Dropout,
            Affine = affine,
        };
        origin?.RequireWidths(spec);
        Refusal.Of(spec.Validate, "--stage-channels, --stem-channels: ");
        return spec;
    }

    /// <summary>Refuses batches of more pixels than a tensor may have rows.</summary>
    public static void CheckArea(int batchSize, int imageSize)
    {
        long most = Shape.MostRows / ((long)imageSize * imageSize);
        if (batchSize > most)
        {
            throw new UsageException(
                $"--batch-size {batchSize}: at --image-size {imageSize} at most {most} are possible.");
        }
    }

    /// <summary>What the options of the network's sizes came to, and a checkpoint that it begins from.</summary>
    /// <param name="loaded">The checkpoint that --load-checkpoint names; null without one.</param>
    internal static Dictionary<string, string> CameTo(NetworkSpec spec, CheckpointReader? loaded)
    {
        var cameTo = new Dictionary<string, string>
        {
            ["image-size"] = $"{spec.ImageSize}",
            ["dropout"] = spec.Dropout.ToString(CultureInfo.InvariantCulture),
            [KeptOptions.LoadFact] = loaded == null ? "" : Convert.ToHexString(loaded.Header.Sha256),
        };
        foreach ((string option, string text) in NetworkFacts.WidthsOf(spec)) cameTo[option] = text;
        cameTo[KeptOptions.BlocksOption] = spec.BlockSet.Recorded ?? "";
        return cameTo;
    }
}
