using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>
/// In training in bf16 a pointwise convolution with its batch norm and ReLU, outside of the stages: products take bf16, its result and the
/// gradients that it takes and hands back are floats. In fp32 one op after the other is as fast.
/// </summary>
internal static class FusedUnit
{
    public static Step? Match(StatefulGraph graph, int node) =>
        ConvolutionUnit.At(graph, node) is { Kind: ConvolutionKind.Pointwise } unit
            ? unit.ToStep((pass, x) => Forward(pass, unit, x))
            : null;

    private static Tensor Forward(Pass pass, ConvolutionUnit unit, Tensor x)
    {
        Session session = pass.Session;
        ConvolutionShape shape = unit.ShapeOn(x.Shape);
        Tensor input = Conversion.Of(session, x.Retain(), session.ActivationType);
        PendingTensor raw = FusedConvolution.Forward(
            session, shape, new FusedInput(input, null, Rectify: false), unit.Weight.Value, unit.BatchNorm, unit.Rectify);
        Tensor y = session.Rent(shape.Output);
        BatchNormalisation.Apply(session, y, raw.Raw, raw.Statistics, unit.Rectify);
        if (pass.Tape is { } tape)
        {
            tape.Record(new Backward(shape, unit.Weight, input, raw, x.Identity, y));
        }
        else
        {
            input.Dispose();
            raw.Dispose();
        }
        return y;
    }

    private sealed class Backward : BackwardStep
    {
        private readonly ConvolutionShape _shape;
        private readonly Parameter _weight;
        private readonly FusedInput _input;
        private readonly PendingTensor _raw;
        private readonly long _x;

        /// <summary>Takes over <paramref name="input"/> and <paramref name="raw"/>.</summary>
        public Backward(in ConvolutionShape shape, Parameter weight, Tensor input, PendingTensor raw, long x, Tensor y)
            : base(y)
        {
            (_shape, _weight, _raw, _x) = (shape, weight, raw, x);
            _input = new FusedInput(input, null, Rectify: false);
            Take(input);
            Take(raw.Raw);
            Take(raw.Statistics);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            using Tensor dy = Conversion.Of(session, outputGradients[0].Retain(), _raw.Raw.ElementType);
            using Tensor sums = BatchNormalisation.GradientSums(session, dy, _raw.Raw, _raw.Statistics, _raw.Rectify);
            using Tensor coefficients =
                BatchNormalisation.Coefficients(session, _raw.Layer, _raw.Statistics, _shape.Output.Rows, sums);
            Tensor dx = session.Rent(_shape.Input, _input.Values.ElementType);
            FusedConvolution.Backward(session, _shape, _weight, dx, _raw, coefficients, dy, gated: false, _input);
            gradients.Add(_x, Conversion.Of(session, dx, ElementType.Float32));
        }
    }
}
