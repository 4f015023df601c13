using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// One operation with batch statistics on the fused plan. Its branches read their channels of the input where they lie and keep raw
/// results only; what they end in is written to its channels of the output. For the tape it is one step.
/// </summary>
internal static class FusedOperation
{
    /// <summary>Takes over <paramref name="x"/>, as <see cref="Operation.Forward"/> does.</summary>
    public static Tensor Forward(Session session, Operation operation, Tensor x)
    {
        Tensor y = session.Rent(operation.OutputOn(x.Shape));
        BlockSpec block = operation.Block;
        bool halves = block.Stride == 1;
        Branch? projection = halves ? null : Branch.Forward(session, operation.Projection, new ChannelRange(x), new ChannelRange(y));
        if (halves) NormalisedConvolution.Take(session, new ChannelRange(y), x, odd: false);
        using Tensor? odd = halves && operation.Main[0].Spec.Kind != ConvolutionKind.Pointwise ? session.Rent(x.Shape.WithChannels(block.Input)) : null;
        if (odd != null) NormalisedConvolution.Take(session, new ChannelRange(odd), x, odd: true);
        ChannelRange input = odd != null ? new ChannelRange(odd) : halves ? new ChannelRange(x, 1, 2) : new ChannelRange(x);
        Branch main = Branch.Forward(session, operation.Main, input, new ChannelRange(y, block.Input));
        if (session.Tape != null)
        {
            session.Tape.Record(new Step(x, projection, main, y));
        }
        else
        {
            projection?.Dispose();
            main.Dispose();
        }
        x.Dispose();
        return y;
    }

    // What a branch's backward needs.
    private sealed class Branch : IDisposable
    {
        private readonly IReadOnlyList<ConvolutionUnit> _units;
        private readonly PendingTensor[] _results;
        private readonly ChannelRange _input;
        private readonly int _firstOutput;

        private Branch(IReadOnlyList<ConvolutionUnit> units, ChannelRange input, int firstOutput)
        {
            _units = units;
            _results = new PendingTensor[units.Count];
            _input = input with { Tensor = input.Tensor.Retain() };
            _firstOutput = firstOutput;
        }

        public static Branch Forward(Session session, IReadOnlyList<ConvolutionUnit> units, ChannelRange x, ChannelRange y)
        {
            var branch = new Branch(units, x, y.First);
            for (int i = 0; i < units.Count; i++)
            {
                FusedInput input = branch.InputOf(i);
                branch._results[i] = FusedConvolution.Forward(session, units[i].ShapeOn(input.Channels.Tensor.Shape), input, units[i].Weight.Value, units[i].BatchNorm, units[i].Spec.Rectify);
                // Nothing but the backward pass would need it.
                if (session.Tape == null && i > 0) branch._results[i - 1].Dispose();
            }
            BatchNormalisation.Apply(session, y, branch._results[^1]);
            return branch;
        }

        /// <returns>The gradient of the channels that the branch reads.</returns>
        public Tensor Backward(Session session, Tensor outputGradient)
        {
            var dy = new ChannelRange(outputGradient, _firstOutput);
            Tensor coefficients = BatchNormalisation.Coefficients(session, _results[^1], dy);
            Tensor? between = null;
            for (int i = _units.Count - 1; i >= 0; i--)
            {
                FusedInput input = InputOf(i);
                (Tensor gradient, Tensor? next) = FusedConvolution.Backward(session, _units[i].ShapeOn(input.Channels.Tensor.Shape), _units[i].Weight, _results[i], coefficients, dy, between != null, input);
                between?.Dispose();
                coefficients.Dispose();
                between = gradient;
                dy = new ChannelRange(gradient);
                if (next != null) coefficients = next;
            }
            return between!;
        }

        public void Dispose()
        {
            _input.Tensor.Dispose();
            foreach (PendingTensor result in _results) result.Dispose();
        }

        private FusedInput InputOf(int unit) => unit == 0 ? new FusedInput(_input, null) : new FusedInput(_results[unit - 1]);
    }

    private sealed class Step(Tensor x, Branch? projection, Branch main, Tensor y) : BackwardStep(y)
    {
        private readonly object _input = x.Identity;
        private readonly Shape _shape = x.Shape;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            Tensor gradient = main.Backward(session, outputGradients[0]);
            if (projection != null)
            {
                gradients.Add(_input, projection.Backward(session, outputGradients[0]));
                gradients.Add(_input, gradient);
                return;
            }
            Tensor dx = session.Rent(_shape);
            ChannelShuffle.Merge(session, dx, new ChannelRange(outputGradients[0]), gradient);
            gradient.Dispose();
            gradients.Add(_input, dx);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            projection?.Dispose();
            main.Dispose();
        }
    }
}
