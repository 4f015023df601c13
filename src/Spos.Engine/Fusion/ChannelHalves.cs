using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>One kernel makes both halves of a value's channels, the even and the odd ones; none makes one alone.</summary>
internal static class ChannelHalves
{
    public static Step? Match(StatefulGraph graph, int node)
    {
        if (graph.Nodes[node].Op is not EverySecondChannelOp { First: var first }) return null;
        int input = graph.Nodes[node].Inputs[0];
        int[] halves = [.. graph.TakersOf(input).Where(taker => graph.Nodes[taker].Op is EverySecondChannelOp)];
        if (halves is not [var one, var other] || FirstOf(one) + FirstOf(other) != 1)
        {
            throw new NotSupportedException($"Of a value's channels, those from {first} on alone: both halves are needed, each once.");
        }
        (int even, int odd) = FirstOf(one) == 0 ? (one, other) : (other, one);
        return new Step([one, other], [input], [even + 1, odd + 1], (pass, inputs) =>
        {
            (Tensor evens, Tensor odds) = ChannelShuffle.Forward(pass, inputs[0]);
            return [evens, odds];
        });

        int FirstOf(int half) => ((EverySecondChannelOp)graph.Nodes[half].Op).First;
    }
}
