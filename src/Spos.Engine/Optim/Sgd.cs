using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Optim;

/// <summary>
/// Stochastic gradient descent with momentum, v = m·v + (g + λ·w), w = w − η·v, as PyTorch's. Weight decay λ applies to
/// convolution and linear weights only. Kernel: sgd_momentum.
/// </summary>
public sealed class Sgd(float momentum, float weightDecay)
{
    /// <summary>
    /// Moves the groups' parameters. A group that several paths added to is moved by their mean, so that the shared stem and
    /// classifier step no further than an operation that one path trained. Gradients are forgotten.
    /// </summary>
    public void Step(Session session, IEnumerable<ParameterGroup> groups, float learningRate)
    {
        foreach (ParameterGroup group in groups) Step(session, group, learningRate);
    }

    /// <summary>Moves a group's parameters.</summary>
    public void Step(Session session, ParameterGroup group, float learningRate)
    {
        float scale = 1f / Math.Max(1, group.GradientCount);
        Update(session, group, 0, group.DecayedLength, learningRate, weightDecay, scale);
        Update(session, group, group.DecayedLength, group.Length - group.DecayedLength, learningRate, 0, scale);
        group.ClearGradients();
    }

    private void Update(Session session, ParameterGroup group, long offset, long length, float learningRate, float decay, float scale)
    {
        if (length == 0) return;
        var shape = Shape.Vector(checked((int)length));
        using Tensor values = group.Values.View(shape, offset),
            momenta = group.Momenta.View(shape, offset), gradients = group.Gradients.View(shape, offset);
        Partition partition = Partition.Flat(session.Device, length);
        session.Grid(partition.Blocks).SgdMomentum(
            values, momenta, gradients, length, learningRate, momentum, decay, scale, partition.RowsPerBlock);
    }
}
