using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// The first convolution: 3×3, stride 2, padding 1, from 3 colours, without bias. The images get no gradient.
/// Kernels: stem_forward, stem_backward_weights.
/// </summary>
public static class StemConvolution
{
    /// <param name="images">[N, H, W, 3], H and W even.</param>
    /// <param name="weight">[3, 3, 3, out].</param>
    /// <returns>[N, H/2, W/2, out].</returns>
    public static Tensor Forward(Session session, Tensor images, Parameter weight)
    {
        Shape x = images.Shape;
        if (x.C != 3) throw new ArgumentException($"{weight.Name} takes images of 3 colours, got {x}.");
        var output = new Shape(x.N, (x.H - 1) / 2 + 1, (x.W - 1) / 2 + 1, weight.Shape.C);
        Tensor y = session.Rent(output);
        Partition partition = Partition.Of(output.N * output.H, 64);
        session.Launch("stem_forward", partition.Blocks, 1, y, images, weight.Value, x.N, x.H, x.W, output.H, output.W, output.C, partition.RowsPerBlock);
        session.Tape?.Record(new Step(images, weight, y));
        return y;
    }

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _images;
        private readonly Parameter _weight;

        public Step(Tensor images, Parameter weight, Tensor y)
            : base(y)
        {
            _images = Hold(images);
            _weight = weight;
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Shape x = _images.Shape, y = outputGradients[0].Shape;
            Partition chunks = Partition.Of(y.N * y.H, 16);
            using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)_weight.Shape.Count)));
            session.Launch("stem_backward_weights", chunks.Blocks, 1, partials, outputGradients[0], _images, x.N, x.H, x.W, y.H, y.W, y.C, chunks.RowsPerBlock);
            PartialSums.ReduceInto(session, _weight, partials, chunks.Blocks);
        }
    }
}
