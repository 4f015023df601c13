using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// The operations of a stage with batch statistics on the fused plan. Raw results only are kept, what a branch ends in by who takes it;
/// who takes something normalises it.
/// </summary>
internal sealed class FusedStage : IDisposable
{
    // The rows of tables: of statistics forward, of sums of gradients backward.
    private const int StatisticsRows = 4, SumsRows = 2;

    private readonly Session _session;
    private readonly FusedInput _input;
    private readonly StageChannels _results;
    private readonly int _blocks;
    private readonly bool _keeps;

    /// <param name="outputs">The shape of what the stage ends in.</param>
    /// <param name="blocks">How many there are; the first has stride 2.</param>
    /// <param name="input">[N, H, W, channels of the stage before]; lives as long as the stage.</param>
    /// <param name="keeps">Whether a backward pass follows.</param>
    public FusedStage(Session session, Shape outputs, int blocks, FusedInput input, bool keeps)
    {
        (_session, _blocks, _input, _keeps) = (session, blocks, input, keeps);
        _results = new StageChannels(session, session.Rent(outputs, input.Values.ElementType), blocks, StatisticsRows);
    }

    /// <summary>What the stage ends in, pending: [N, H/2, W/2, channels of the stage]; lives as long as the stage.</summary>
    public FusedInput Output => new(_results.Outputs, _results.OutputTable, Rectify: true);

    /// <summary>Where the gradients of the stage's results go.</summary>
    /// <param name="outputs">Those of its output, or where they will be written; taken over.</param>
    public StageChannels GradientsFrom(Tensor outputs) => new(_session, outputs, _blocks, SumsRows);

    /// <summary>Runs the operation of a block of the stage.</summary>
    public Block Forward(int index, Operation operation) =>
        new(_session, operation, index == 0 ? null : TakenBy(index), _input, _results, index, _keeps);

    public void Dispose() => _results.Dispose();

    private FusedInput TakenBy(int index) => new(_results.InputOf(index), _results.TableOf(index), Rectify: true);

    /// <summary>What the backward of an operation needs.</summary>
    public sealed class Block : IDisposable
    {
        private readonly Session _session;
        private readonly Branch? _projection;
        private readonly Branch _main;
        private readonly FusedInput? _view;
        private readonly int _index;

        /// <param name="view">What it takes of its stage, taken over; null for the first, which takes the stage's input.</param>
        public Block(
            Session session, Operation operation, FusedInput? view, FusedInput stageInput, StageChannels results, int index, bool keeps)
        {
            (_session, _view, _index) = (session, view, index);
            FusedInput input = view ?? stageInput;
            BranchedBlock branches = operation.Branches!;
            if (branches.Projection.Count > 0)
            {
                _projection = new Branch(session, branches.Projection, input, results, index, firstPlace: 0, keeps);
            }
            _main = new Branch(session, branches.Main, input, results, index, branches.FirstChannels, keeps);
        }

        /// <summary>Runs the operation backward.</summary>
        /// <param name="gradients">Those of the stage's results, with their sums.</param>
        /// <param name="dx">Of the stage's input, for the first block: overwritten.</param>
        /// <param name="sums">Overwritten with a pending input's sums of it; null for values as they are.</param>
        public void Backward(StageChannels gradients, Tensor dx, Tensor? sums)
        {
            if (_index == 0)
            {
                BackwardTo(gradients, dx, sums);
                return;
            }
            using Tensor into = gradients.InputOf(_index), table = gradients.TableOf(_index);
            BackwardTo(gradients, into, table);
        }

        public void Dispose()
        {
            _projection?.Dispose();
            _main.Dispose();
            _view?.Values.Dispose();
            _view?.Statistics?.Dispose();
        }

        private void BackwardTo(StageChannels gradients, Tensor dx, Tensor? sums)
        {
            _main.Backward(_session, gradients, dx, sums, accumulate: false);
            if (_projection == null) return;
            using Tensor other = _session.Rent(dx.Shape, dx.ElementType);
            _projection.Backward(_session, gradients, other, sums, accumulate: true);
            GradientTable.AddInPlace(_session, dx, other);
        }
    }

    private sealed class Branch : IDisposable
    {
        private readonly IReadOnlyList<ConvolutionUnit> _units;
        private readonly PendingTensor[] _between;
        private readonly FusedInput _input;
        private readonly StageChannels _results;
        private readonly Tensor _statistics;
        private readonly int _block, _firstPlace;

        // Of its results among the block's channels.
        public Branch(
            Session session, IReadOnlyList<ConvolutionUnit> units, FusedInput input, StageChannels results, int block, int firstPlace,
            bool keeps)
        {
            (_units, _between, _input, _results, _block, _firstPlace) =
                (units, new PendingTensor[units.Count - 1], input, results, block, firstPlace);
            for (int i = 0; i < _between.Length; i++)
            {
                FusedInput x = InputOf(i);
                _between[i] = FusedConvolution.Forward(
                    session, units[i].ShapeOn(x.Values.Shape), x, units[i].Weight.Value, units[i].BatchNorm, units[i].Rectify);
                // Nothing but the backward pass would need it.
                if (!keeps && i > 0) _between[i - 1].Dispose();
            }
            FusedInput last = InputOf(_between.Length);
            _statistics = StageConvolution.Forward(
                session, results, block, firstPlace, units[^1].ShapeOn(last.Values.Shape), last, units[^1].Weight.Value,
                units[^1].BatchNorm);
        }

        // Adds to `sums`, or overwrites them.
        public void Backward(Session session, StageChannels gradients, Tensor dx, Tensor? sums, bool accumulate)
        {
            int last = _between.Length;
            FusedInput x = InputOf(last);
            Tensor dy = last > 0 ? session.Rent(x.Values.Shape, dx.ElementType) : dx.Retain();
            Tensor? made = StageConvolution.Backward(
                session, _results, gradients, _block, _firstPlace, _units[last].ShapeOn(x.Values.Shape), _units[last].Weight,
                _units[last].BatchNorm, _statistics, dy, x);
            for (int i = last - 1; i >= 0; i--)
            {
                x = InputOf(i);
                using Tensor coefficients = BatchNormalisation.Coefficients(
                    session, _between[i].Layer, _between[i].Statistics, _between[i].Raw.Shape.Rows, made!.Value);
                made.Value.Dispose();
                Tensor next = i > 0 ? session.Rent(x.Values.Shape, dx.ElementType) : dx.Retain();
                made = FusedConvolution.Backward(
                    session, _units[i].ShapeOn(x.Values.Shape), _units[i].Weight, next, _between[i], coefficients, dy, gated: true, x);
                dy.Dispose();
                dy = next;
            }
            dy.Dispose();
            if (made is not { } partials) return;
            PartialSums.Reduce(session, sums!.Value, partials, accumulate);
            partials.Dispose();
        }

        public void Dispose()
        {
            foreach (PendingTensor result in _between) result.Dispose();
            _statistics.Dispose();
        }

        private FusedInput InputOf(int unit) => unit == 0 ? _input : new FusedInput(_between[unit - 1]);
    }
}
