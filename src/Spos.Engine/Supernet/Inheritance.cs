using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// Hands the weights of one network to another, to train it on: those of a path of a supernet, or of the same single path.
/// </summary>
public static class Inheritance
{
    /// <summary>
    /// Copies a single path's weights and running statistics; momenta stay as they are. Where only the heir's batch norms are affine,
    /// γ becomes 1 and β 0, which leaves the network the same function.
    /// </summary>
    /// <param name="from">A supernet, or a single path with the heir's architecture; of the heir's sizes, but for
    /// image size and classes.</param>
    /// <param name="to">The heir: a single path.</param>
    /// <param name="classifier">Whether the classifier's weights are copied too, which both must have as many classes for.</param>
    /// <exception cref="ArgumentException">The networks do not fit each other.</exception>
    public static void Copy(Session session, ShuffleNetV2OneShot from, ShuffleNetV2OneShot to, bool classifier)
    {
        Architecture path = to.Path ?? throw new ArgumentException("a supernet cannot inherit.", nameof(to));
        if (from.Path != null && !from.Path.Equals(path)) throw new ArgumentException($"the architectures differ: {from.Path} and {path}.");
        foreach ((ConvolutionUnit old, ConvolutionUnit unit) in from.UnitsOf(path).Zip(to.UnitsOf(path)))
        {
            Copy(session, old.Weight.Value, unit.Weight.Value);
            Copy(session, old.BatchNorm.RunningMean, unit.BatchNorm.RunningMean);
            Copy(session, old.BatchNorm.RunningVariance, unit.BatchNorm.RunningVariance);
            unit.BatchNorm.BatchesTracked = old.BatchNorm.BatchesTracked;
            Copy(session, old.BatchNorm.Gamma, unit.BatchNorm.Gamma, 1);
            Copy(session, old.BatchNorm.Beta, unit.BatchNorm.Beta, 0);
        }
        if (classifier) Copy(session, from.Classifier.Value, to.Classifier.Value);
    }

    private static void Copy(Session session, Parameter? from, Parameter? to, float identity)
    {
        if (to == null) return;
        if (from == null) to.Value.Fill(session.Stream, identity);
        else Copy(session, from.Value, to.Value);
    }

    private static void Copy(Session session, Tensor from, Tensor to)
    {
        if (from.Shape != to.Shape) throw new ArgumentException($"the sizes differ: {from.Shape} and {to.Shape}.");
        to.Upload(session.Stream, from.Download(session.Stream));
    }
}
