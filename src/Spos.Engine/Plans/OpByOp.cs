using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>
/// The stages of a network with one step after the other in each block, and each block's backward pass off a tape of its own.
/// </summary>
/// <param name="passWith">The pass of a block, with a tape for its backward where one follows.</param>
/// <param name="rules">What is fused within a block.</param>
internal sealed class OpByOp(Session session, Recording recording, int blocks, Func<Tape, Pass> passWith, FusionRules rules) : BlockWalk
{
    // What goes into each block, and out of the last one; and its gradient. Alternatives of a block make theirs in the same place.
    private readonly Tensor?[] _values = new Tensor?[blocks + 1], _gradients = new Tensor?[blocks + 1];

    public override void Begin(Tensor x) => _values[0] = recording.HandOver(x, null);

    public override IDisposable Forward(Operation operation)
    {
        int block = operation.Block.Index;
        Tensor x = recording.TakeOver(_values[block]!.Value);
        var tape = new Tape();
        long input = x.Identity;
        Tensor y = operation.Forward(passWith(tape), rules, x);
        var kept = new Kept(tape, input, y.Identity);
        _values[block + 1] = recording.HandOver(y, _values[block + 1]);
        return kept;
    }

    public override Tensor End() => recording.TakeOver(_values[^1]!.Value);

    public override void BeginBackward(Tensor dy) => _gradients[^1] = recording.HandOver(dy, null);

    public override void Backward(Operation operation, IDisposable forward)
    {
        int block = operation.Block.Index;
        using var kept = (Kept)forward;
        Tensor dx = kept.Tape.Backward(session, kept.Output, recording.TakeOver(_gradients[block + 1]!.Value), kept.Input)!.Value;
        _gradients[block] = recording.HandOver(dx, _gradients[block]);
    }

    public override Tensor EndBackward() => recording.TakeOver(_gradients[0]!.Value);

    public override void Dispose()
    {
        // What is left has no memory.
    }

    // The tape of a block, from what goes into it to what comes out.
    private sealed record Kept(Tape Tape, long Input, long Output) : IDisposable
    {
        public void Dispose() => Tape.Clear();
    }
}
