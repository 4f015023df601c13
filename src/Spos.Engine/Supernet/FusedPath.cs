using Spos.Engine.Autograd;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>All stages of a path with batch statistics on the fused plan: for the tape one step.</summary>
internal static class FusedPath
{
    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the stem].</summary>
    /// <param name="operations">One a block.</param>
    /// <param name="repeats">How many of them each stage has.</param>
    /// <returns>[N, H/16, W/16, channels of the last stage].</returns>
    public static Tensor Forward(Pass pass, ReadOnlySpan<Operation> operations, IReadOnlyList<int> repeats, Tensor x)
    {
        var stages = new FusedStages(pass.Session, repeats, keeps: pass.Tape != null);
        long input = x.Identity;
        stages.Begin(x);
        var blocks = new IDisposable[operations.Length];
        for (int stage = 0, block = 0; stage < repeats.Count; stage++)
        {
            stages.BeginStage(stage, operations[block].Block);
            for (int end = block + repeats[stage]; block < end; block++) blocks[block] = stages.Forward(operations[block]);
            stages.EndStage(stage);
        }
        Tensor y = stages.End();
        pass.Tape?.Record(new Step(stages, repeats, operations.ToArray(), blocks, input, y));
        return y;
    }

    private sealed class Step(
        FusedStages stages, IReadOnlyList<int> repeats, Operation[] operations, IDisposable[] blocks, long input, Tensor y)
        : BackwardStep(y)
    {
        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            stages.BeginBackward(outputGradients[0].Retain());
            for (int stage = repeats.Count - 1, block = operations.Length - 1; stage >= 0; stage--)
            {
                for (int i = 0; i < repeats[stage]; i++, block--) stages.Backward(operations[block], blocks[block]);
                stages.EndBackwardStage(stage);
            }
            gradients.Add(input, stages.EndBackward());
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            foreach (IDisposable block in blocks) block.Dispose();
            stages.Dispose();
        }
    }
}
