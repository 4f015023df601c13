using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>A convolution of any kind; each pass is computed as the session's plan has it.</summary>
internal static class Convolution
{
    public static Tensor Forward(Pass pass, in ConvolutionShape shape, Tensor x, Parameter weight)
    {
        if (weight.Shape != shape.Weight) throw new ArgumentException($"{weight.Name}, {weight.Shape}, does not take {x.Shape}.");
        Tensor y = pass.Rent(shape.Output);
        ConvolutionPlanner.Of(pass.Session).EngineFor(shape, ConvolutionPass.Forward).Forward(shape, y, x, weight.Value);
        pass.Tape?.Record(new Step(shape, x, weight, y));
        return y;
    }

    private sealed class Step : BackwardStep
    {
        private readonly ConvolutionShape _shape;
        private readonly Tensor _x;
        private readonly Parameter _weight;

        public Step(in ConvolutionShape shape, Tensor x, Parameter weight, Tensor y)
            : base(y)
        {
            _shape = shape;
            _x = Hold(x);
            _weight = weight;
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor dy = outputGradients[0];
            ConvolutionPlanner.Of(session).EngineFor(_shape, ConvolutionPass.BackwardWeights).BackwardWeights(_shape, _weight, dy, _x);
            // Images get no gradient.
            if (_shape.Kind == ConvolutionKind.Stem) return;
            Tensor dx = session.Rent(_x.Shape);
            ConvolutionPlanner.Of(session).EngineFor(_shape, ConvolutionPass.BackwardData).BackwardData(_shape, dx, dy, _weight.Value);
            gradients.Add(_x.Identity, dx);
        }
    }
}
