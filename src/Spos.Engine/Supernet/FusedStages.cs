using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>The stages of a network with batch statistics on the fused plan.</summary>
/// <param name="repeats">How many blocks each stage has.</param>
/// <param name="keeps">Whether a backward pass follows.</param>
internal sealed class FusedStages(Session session, IReadOnlyList<int> repeats, bool keeps) : BlockWalk
{
    private readonly FusedStage?[] _stages = new FusedStage?[repeats.Count];
    private readonly int[] _firsts = [.. repeats.Select((_, stage) => repeats.Take(stage).Sum())];
    private Tensor _x;

    // Backward: of the stage that is worked on, and of the one before it.
    private StageChannels? _gradients, _before;
    private Tensor? _dx;

    public override void Begin(Tensor x) => _x = Conversion.Of(session, x, session.ActivationType);

    public override void BeginStage(int stage, BlockSpec first)
    {
        FusedInput input = stage == 0 ? new FusedInput(_x, null, Rectify: false) : _stages[stage - 1]!.Output;
        _stages[stage] = new FusedStage(session, first.OutputOn(input.Values.Shape), repeats[stage], input, keeps);
    }

    public override IDisposable Forward(Operation operation)
    {
        int stage = StageOf(operation);
        FusedStage.Block block = _stages[stage]!.Forward(operation.Block.Index - _firsts[stage], operation);
        if (!keeps) block.Dispose();
        return block;
    }

    public override void EndStage(int stage)
    {
        if (!keeps && stage > 0) _stages[stage - 1]!.Dispose();
    }

    public override Tensor End()
    {
        FusedInput last = _stages[^1]!.Output;
        Tensor y = session.Rent(last.Values.Shape);
        BatchNormalisation.Apply(session, y, last.Values, last.Statistics!.Value, last.Rectify);
        if (keeps) return y;
        _stages[^1]!.Dispose();
        _x.Dispose();
        return y;
    }

    public override void BeginBackward(Tensor dy)
    {
        FusedInput y = _stages[^1]!.Output;
        _gradients = _stages[^1]!.GradientsFrom(Conversion.Of(session, dy, y.Values.ElementType));
        using (Tensor sums = BatchNormalisation.GradientSums(session, _gradients.Outputs, y.Values, y.Statistics!.Value, y.Rectify))
        {
            PartialSums.Reduce(session, _gradients.OutputTable, sums, accumulate: false);
        }
        BeginBefore(_stages.Length - 1);
    }

    public override void Backward(Operation operation, IDisposable forward)
    {
        using var block = (FusedStage.Block)forward;
        block.Backward(_gradients!, _dx ?? _before!.Outputs, _before?.OutputTable);
    }

    public override void EndBackwardStage(int stage)
    {
        _gradients!.Dispose();
        _stages[stage]!.Dispose();
        (_gradients, _before) = (_before, null);
        if (stage > 0) BeginBefore(stage - 1);
    }

    public override Tensor EndBackward()
    {
        Tensor dx = Conversion.Of(session, _dx!.Value, ElementType.Float32);
        _dx = null;
        _x.Dispose();
        return dx;
    }

    public override void Dispose()
    {
        foreach (FusedStage? stage in _stages) stage?.Dispose();
        _gradients?.Dispose();
        _before?.Dispose();
        _dx?.Dispose();
        _x.Dispose();
    }

    // Makes room for the gradients of what goes into a stage.
    private void BeginBefore(int stage)
    {
        if (stage == 0) _dx = session.Rent(_x.Shape, _x.ElementType);
        else _before = _stages[stage - 1]!.GradientsFrom(session.Rent(_stages[stage - 1]!.Output.Values.Shape, _x.ElementType));
    }

    private int StageOf(Operation operation) => Array.FindLastIndex(_firsts, first => first <= operation.Block.Index);
}
