using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Autograd;

/// <summary>The gradients found so far during a backward pass, by the value they belong to.</summary>
public sealed class GradientTable(Session session)
{
    private readonly Dictionary<long, Tensor> _gradients = [];

    /// <summary>Adds a gradient of <paramref name="identity"/> (a tensor's), taking over the reference.</summary>
    public void Add(long identity, Tensor gradient)
    {
        if (_gradients.TryGetValue(identity, out Tensor sum))
        {
            AddInPlace(session, sum, gradient);
            gradient.Dispose();
        }
        else
        {
            _gradients[identity] = gradient;
        }
    }

    internal Tensor Remove(long identity) =>
        _gradients.Remove(identity, out Tensor gradient)
            ? gradient
            : throw new InvalidOperationException("A recorded value has no gradient: it was not used in what Backward started from.");

    /// <summary>The gradient of a value that no recorded op made, or null; the caller owns it.</summary>
    internal Tensor? Take(long leaf) => _gradients.Remove(leaf, out Tensor gradient) ? gradient : null;

    internal void Clear()
    {
        foreach (Tensor gradient in _gradients.Values) gradient.Dispose();
        _gradients.Clear();
    }

    /// <summary>target += source. Kernel: add_in_place.</summary>
    internal static void AddInPlace(Session session, Tensor target, Tensor source)
    {
        if (target.Shape != source.Shape) throw new ArgumentException($"Gradients {target.Shape} and {source.Shape} cannot be added.");
        Partition partition = Partition.Flat(session.Device, target.Shape.Count);
        session.Grid(partition.Blocks).AddInPlace(target, source, target.Shape.Count, partition.RowsPerBlock);
    }
}
