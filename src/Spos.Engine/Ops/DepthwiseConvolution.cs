using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Depthwise convolution without bias, kernel 3, 5 or 7, stride 1 or 2, padding kernel/2:
/// y[n][oy][ox][c] = Σ x[n][oy·s−p+ky][ox·s−p+kx][c]·w[ky][kx][c].
/// Kernels: depthwise_{forward,backward_data,backward_weights}_k{size}_s{stride}.
/// </summary>
public static class DepthwiseConvolution
{
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="weight">[K, K, 1, C].</param>
    /// <returns>[N, (H-1)/s+1, (W-1)/s+1, C].</returns>
    public static Tensor Forward(Session session, Tensor x, Parameter weight, int stride)
    {
        if (x.Shape.C != weight.Shape.C) throw new ArgumentException($"{weight.Name} takes {weight.Shape.C} channels, got {x.Shape}.");
        var output = new Shape(x.Shape.N, (x.Shape.H - 1) / stride + 1, (x.Shape.W - 1) / stride + 1, x.Shape.C);
        Tensor y = session.Rent(output);
        Launch(session, "forward", y, x, weight, weight.Value, stride, x.Shape, output, Rows(output));
        session.Tape?.Record(new Step(x, weight, stride, y));
        return y;
    }

    private static Partition Rows(Shape shape) => Partition.Of(shape.N * shape.H, 64);

    private static void Launch(Session session, string pass, Tensor target, Tensor source, Parameter weight, Tensor other, int stride, Shape input, Shape output, Partition partition) =>
        session.Launch(
            $"depthwise_{pass}_k{weight.Shape.N}_s{stride}", partition.Blocks, 1, target, source, other,
            input.N, input.H, input.W, output.H, output.W, input.C, partition.RowsPerBlock);

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _x;
        private readonly Parameter _weight;
        private readonly int _stride;

        public Step(Tensor x, Parameter weight, int stride, Tensor y)
            : base(y)
        {
            _x = Hold(x);
            _weight = weight;
            _stride = stride;
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            Partition chunks = Partition.Of(dy.Shape.N * dy.Shape.H, 16);
            using Tensor partials = session.Rent(Shape.Matrix(chunks.Blocks, checked((int)_weight.Shape.Count)));
            Launch(session, "backward_weights", partials, dy, _weight, _x, _stride, _x.Shape, dy.Shape, chunks);
            PartialSums.ReduceInto(session, _weight, partials, chunks.Blocks);

            Tensor dx = session.Rent(_x.Shape);
            Launch(session, "backward_data", dx, dy, _weight, _weight.Value, _stride, _x.Shape, dy.Shape, Rows(_x.Shape));
            gradients.Add(_x.Identity, dx);
        }
    }
}
