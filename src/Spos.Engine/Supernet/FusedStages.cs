using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>All stages of a path with batch statistics on the fused plan: for the tape one step.</summary>
internal static class FusedStages
{
    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the stem].</summary>
    /// <param name="operations">One a block.</param>
    /// <param name="repeats">How many of them each stage has.</param>
    /// <returns>[N, H/16, W/16, channels of the last stage].</returns>
    public static Tensor Forward(Session session, ReadOnlySpan<Operation> operations, IReadOnlyList<int> repeats, Tensor x)
    {
        var stages = new FusedStage[repeats.Count];
        var input = new FusedInput(x, null, Rectify: false);
        for (int i = 0, first = 0; i < stages.Length; first += repeats[i++])
        {
            stages[i] = new FusedStage(session, operations.Slice(first, repeats[i]), input);
            input = stages[i].Output;
            if (session.Tape == null && i > 0) stages[i - 1].Dispose();
        }
        Tensor y = session.Rent(input.Values.Shape);
        BatchNormalisation.Apply(session, y, input.Values, input.Statistics!.Value, input.Rectify);
        if (session.Tape != null)
        {
            session.Tape.Record(new Step(x, stages, y));
            return y;
        }
        stages[^1].Dispose();
        x.Dispose();
        return y;
    }

    private sealed class Step : BackwardStep
    {
        private readonly Tensor _x;
        private readonly FusedStage[] _stages;

        // Takes over `x`.
        public Step(Tensor x, FusedStage[] stages, Tensor y)
            : base(y)
        {
            (_x, _stages) = (Take(x), stages);
        }

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            FusedInput y = _stages[^1].Output;
            StageChannels current = _stages[^1].GradientsFrom(session, outputGradients[0].Retain());
            using (Tensor sums = BatchNormalisation.GradientSums(session, current.Outputs, y.Values, y.Statistics!.Value, y.Rectify))
            {
                PartialSums.Reduce(session, current.OutputTable, sums, accumulate: false);
            }
            for (int i = _stages.Length - 1; i > 0; i--)
            {
                StageChannels before = _stages[i - 1].GradientsFrom(session, session.Rent(_stages[i - 1].Output.Values.Shape));
                using (current) _stages[i].Backward(session, current, before.Outputs, before.OutputTable);
                _stages[i].Dispose();
                current = before;
            }
            Tensor dx = session.Rent(_x.Shape);
            using (current) _stages[0].Backward(session, current, dx, sums: null);
            gradients.Add(_x.Identity, dx);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            foreach (FusedStage stage in _stages) stage.Dispose();
        }
    }
}
