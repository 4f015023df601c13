using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>Weights that trainings begin from.</summary>
/// <param name="loaded">The checkpoint that has them.</param>
/// <param name="data">The pictures that the networks are trained on.</param>
internal sealed class InheritedWeights(CheckpointReader loaded, ImageFolder data, IRunObserver observer)
{
    private bool _isTold;

    /// <summary>
    /// Gives a single path the weights that it has in the checkpoint: a supernet's, or its own. For other classes than the checkpoint's the
    /// classifier keeps its weights, and it is said once.
    /// </summary>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    public void Give(Session session, ShuffleNetV2OneShot network)
    {
        CheckpointHeader header = loaded.Header;
        string? other = header.Classes != data.Classes.Length
            ? $"tells {header.Classes} classes apart, and the data set has {data.Classes.Length}"
            : header.ClassNames == null ? null
            : ClassCheck.Difference(header.ClassNames, data.Classes) is { } names ? $"was trained on other classes: {names}"
            : null;
        if (other != null && !_isTold) observer.Say($"The classifier begins anew: {loaded.Path} {other}.");
        _isTold = true;
        using var from = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        TrainedWeights.Load(loaded, session, from, WeightKind.Best);
        Inheritance.Copy(session, from, network, classifier: other == null);
    }
}
