using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Inverted dropout: x/(1−p) with probability 1−p, else 0, decided by <see cref="Session.DropoutKey"/> and the place.
/// Without a tape it does nothing. Kernel: dropout.
/// </summary>
public static class Dropout
{
    /// <summary>Takes over <paramref name="x"/>, any shape; the result has the same.</summary>
    public static Tensor Forward(Session session, Tensor x, float probability)
    {
        if (session.Tape == null || probability == 0) return x;
        Tensor y = session.Rent(x.Shape);
        Launch(session, y, x, probability, session.DropoutKey);
        session.Tape.Record(new Step(x, y, probability, session.DropoutKey));
        x.Dispose();
        return y;
    }

    private static void Launch(Session session, Tensor y, Tensor x, float probability, (ulong Seed, ulong Stream) key)
    {
        Partition partition = Partition.Flat(session.Device, x.Shape.Count);
        session.Launch("dropout", partition.Blocks, 1, y, x, x.Shape.Count, probability, key.Seed, key.Stream, partition.RowsPerBlock);
    }

    private sealed class Step(Tensor x, Tensor y, float probability, (ulong Seed, ulong Stream) key) : BackwardStep(y)
    {
        private readonly long _input = x.Identity;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            Launch(session, dy, dy, probability, key);
            gradients.Add(_input, dy.Retain());
        }
    }
}
