using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Channel shuffle with two groups and the split after it: even channels pass by, odd ones go through the block
/// (arXiv 1807.11164, figure 3). Kernels: channel_split, channel_merge.
/// </summary>
public static class ChannelShuffle
{
    /// <param name="x">[N, H, W, C], C even.</param>
    /// <returns>Two tensors [N, H, W, C/2].</returns>
    public static (Tensor Even, Tensor Odd) Forward(Session session, Tensor x)
    {
        int half = x.Shape.C / 2;
        Tensor even = session.Rent(x.Shape.WithChannels(half)), odd = session.Rent(x.Shape.WithChannels(half));
        Partition partition = Partition.Elementwise(session.Device, x.Shape.Rows, x.Shape.C);
        session.Slices(partition, half).ChannelSplit(even, odd, x, x.Shape.Rows, half, partition.RowsPerBlock);
        session.Tape?.Record(new Step(x, even, odd));
        return (even, odd);
    }

    private sealed class Step(Tensor x, Tensor even, Tensor odd) : BackwardStep(even, odd)
    {
        private readonly long _input = x.Identity;
        private readonly Shape _shape = x.Shape;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dx = session.Rent(_shape);
            Partition partition = Partition.Elementwise(session.Device, dx.Shape.Rows, dx.Shape.C);
            session.Slices(partition, dx.Shape.C / 2)
                .ChannelMerge(dx, outputGradients[0], outputGradients[1], dx.Shape.Rows, dx.Shape.C / 2, partition.RowsPerBlock);
            gradients.Add(_input, dx);
        }
    }
}
