using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>Weights that a training begins from.</summary>
internal static class InheritedWeights
{
    /// <summary>
    /// Gives a single path the weights that it has in a checkpoint: a supernet's, or its own. For other classes than the checkpoint's the
    /// classifier keeps its weights, and it is said.
    /// </summary>
    /// <param name="data">The pictures that the network is trained on.</param>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    public static void Give(
        Session session, CheckpointReader loaded, ShuffleNetV2OneShot network, ImageFolder data, IRunObserver observer)
    {
        CheckpointHeader header = loaded.Header;
        string? other = header.Classes != data.Classes.Length
            ? $"tells {header.Classes} classes apart, and the data set has {data.Classes.Length}"
            : header.ClassNames == null ? null
            : ClassCheck.Difference(header.ClassNames, data.Classes) is { } names ? $"was trained on other classes: {names}"
            : null;
        if (other != null) observer.Say($"The classifier begins anew: {loaded.Path} {other}.");
        using var from = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        TrainedWeights.Load(loaded, session, from, WeightKind.Best);
        Inheritance.Copy(session, from, network, classifier: other == null);
    }
}
