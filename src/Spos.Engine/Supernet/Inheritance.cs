using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
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
        from.TakeWeights(session, path);
        foreach ((NodeState old, NodeState heir) in from.StatesOf(path).Zip(to.StatesOf(path)))
        {
            if (heir.Name == NetworkGraph.Classifier && !classifier) continue;
            Dictionary<string, Tensor> arrays = old.Arrays.ToDictionary(array => array.Tensor.Name, array => array.Values);
            foreach ((OpTensor tensor, Tensor values) in heir.Arrays)
            {
                if (arrays.TryGetValue(tensor.Name, out Tensor inherited)) Copy(session, inherited, values);
                // A batch norm's γ or β.
                else values.Fill(session.Stream, tensor.Name == "weight" ? 1 : 0);
            }
            if (old.State is BatchNormLayer before) ((BatchNormLayer)heir.State).BatchesTracked = before.BatchesTracked;
        }
    }

    private static void Copy(Session session, Tensor from, Tensor to)
    {
        if (from.Shape != to.Shape) throw new ArgumentException($"the sizes differ: {from.Shape} and {to.Shape}.");
        to.Upload(session.Stream, from.Download(session.Stream));
    }
}
