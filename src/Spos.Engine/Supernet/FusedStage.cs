using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// The operations of a stage with batch statistics on the fused plan. Their branches keep raw results only; what a branch ends in is
/// written to those who take it. For the tape a stage is one step.
/// </summary>
internal static class FusedStage
{
    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the stage before].</summary>
    /// <param name="operations">One a block; the first has stride 2.</param>
    /// <returns>[N, H/2, W/2, channels of the stage].</returns>
    public static Tensor Forward(Session session, IReadOnlyList<Operation> operations, Tensor x)
    {
        Tensor y = session.Rent(operations[0].OutputOn(x.Shape));
        using var handedOn = new StageChannels(session, y.Retain(), operations.Count);
        var blocks = new Block[operations.Count];
        for (int i = 0; i < blocks.Length; i++)
        {
            Tensor input = i == 0 ? x.Retain() : handedOn.InputOf(i);
            blocks[i] = new Block(session, operations[i], input, handedOn, i);
            if (session.Tape == null) blocks[i].Dispose();
        }
        session.Tape?.Record(new Step(x, blocks, y));
        x.Dispose();
        return y;
    }

    // What the backward of an operation needs.
    private sealed class Block : IDisposable
    {
        private readonly Tensor _input;
        private readonly Branch? _projection;
        private readonly Branch _main;
        private readonly int _index;

        // Takes over `input`.
        public Block(Session session, Operation operation, Tensor input, StageChannels handedOn, int index)
        {
            _input = input;
            _index = index;
            if (operation.Projection.Count > 0) _projection = new Branch(session, operation.Projection, input, handedOn, index, firstPlace: 0);
            _main = new Branch(session, operation.Main, input, handedOn, index, operation.Block.Input);
        }

        /// <summary>Of the block's input; of the first block two, to be added.</summary>
        public (Tensor Main, Tensor? Projection) Backward(Session session, StageChannels gradients)
        {
            Tensor? into = _index == 0 ? null : gradients.InputOf(_index);
            return (_main.Backward(session, gradients, into), _projection?.Backward(session, gradients, into: null));
        }

        public void Dispose()
        {
            _input.Dispose();
            _projection?.Dispose();
            _main.Dispose();
        }
    }

    private sealed class Branch : IDisposable
    {
        private readonly IReadOnlyList<ConvolutionUnit> _units;
        private readonly PendingTensor[] _results;
        private readonly Tensor _input;
        private readonly int _block, _firstPlace;

        // Of its results among the block's channels.
        public Branch(Session session, IReadOnlyList<ConvolutionUnit> units, Tensor input, StageChannels handedOn, int block, int firstPlace)
        {
            (_units, _results, _input, _block, _firstPlace) = (units, new PendingTensor[units.Count], input, block, firstPlace);
            for (int i = 0; i < units.Count; i++)
            {
                FusedInput x = InputOf(i);
                _results[i] = FusedConvolution.Forward(session, units[i].ShapeOn(x.Values.Shape), x, units[i].Weight.Value, units[i].BatchNorm, units[i].Spec.Rectify);
                // Nothing but the backward pass would need it.
                if (session.Tape == null && i > 0) _results[i - 1].Dispose();
            }
            handedOn.Scatter(session, block, firstPlace, _results[^1]);
        }

        /// <param name="into">Where the gradient of the input goes, if not to a new tensor; taken over.</param>
        public Tensor Backward(Session session, StageChannels gradients, Tensor? into)
        {
            (Tensor dy, Tensor coefficients) = gradients.Gather(session, _block, _firstPlace, _results[^1]);
            for (int i = _units.Count - 1; i >= 0; i--)
            {
                FusedInput x = InputOf(i);
                Tensor dx = i == 0 && into is { } given ? given : session.Rent(x.Values.Shape);
                bool gated = i < _units.Count - 1;
                Tensor? next = FusedConvolution.Backward(session, _units[i].ShapeOn(x.Values.Shape), _units[i].Weight, dx, _results[i], coefficients, dy, gated, x);
                dy.Dispose();
                coefficients.Dispose();
                dy = dx;
                if (next is { } before) coefficients = before;
            }
            return dy;
        }

        public void Dispose()
        {
            foreach (PendingTensor result in _results) result.Dispose();
        }

        private FusedInput InputOf(int unit) => unit == 0 ? new FusedInput(_input, null) : new FusedInput(_results[unit - 1]);
    }

    private sealed class Step(Tensor x, Block[] blocks, Tensor y) : BackwardStep(y)
    {
        private readonly long _input = x.Identity;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            using var handedBack = new StageChannels(session, outputGradients[0].Retain(), blocks.Length);
            for (int i = blocks.Length - 1; i >= 0; i--)
            {
                (Tensor main, Tensor? projection) = blocks[i].Backward(session, handedBack);
                blocks[i].Dispose();
                if (i > 0)
                {
                    main.Dispose();
                    continue;
                }
                gradients.Add(_input, main);
                if (projection is { } other) gradients.Add(_input, other);
            }
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            foreach (Block block in blocks) block.Dispose();
        }
    }
}
