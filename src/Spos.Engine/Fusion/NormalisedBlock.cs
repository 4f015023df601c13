using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>
/// A block of two branches in inference. They write their channels of the output. On a CPU a depthwise unit and the pointwise ones around
/// it are one kernel, which also reads its channels of the input where they lie; else a unit is a kernel, on channels that lie together.
/// </summary>
internal static class NormalisedBlock
{
    public static Step? Match(StatefulGraph graph, int node) => node == 0 && BranchedBlock.Of(graph) is { } block
        ? new Step(
            [.. Enumerable.Range(0, graph.Nodes.Length)], [0], [graph.Nodes.Length],
            (pass, inputs) => [Forward(pass.Session, block, inputs[0])])
        : null;

    private static Tensor Forward(Session session, BranchedBlock block, Tensor x)
    {
        int first = block.FirstChannels;
        Tensor y = session.Rent(block.OutputOn(x.Shape), session.ActivationType);
        var output = new ChannelRange(y, first);
        if (block.Projection.Count > 0)
        {
            RunBranch(session, block.Projection, new ChannelRange(y), x);
            RunBranch(session, block.Main, output, x);
        }
        else if (block.Main.Count == 3 && UnitsAtOnce(session, block.Main, 0, x.Shape) == 3)
        {
            RunBranch(session, block.Main, output, x, passBy: true);
        }
        else
        {
            Tensor odd = session.Rent(x.Shape.WithChannels(first), session.ActivationType);
            ChannelShuffle.Split(session, y, odd, x);
            RunBranch(session, block.Main, output, odd, between: odd);
        }
        return y;
    }

    // With `passBy`, all units are one kernel, which takes the odd channels of x and copies the even ones. `between` is let go as soon as
    // the first kernel has read it.
    private static void RunBranch(
        Session session, IReadOnlyList<ConvolutionUnit> units, ChannelRange y, Tensor x, bool passBy = false, Tensor? between = null)
    {
        for (int begin = 0, end; begin < units.Count; begin = end)
        {
            end = begin + UnitsAtOnce(session, units, begin, x.Shape);
            ConvolutionUnit last = units[end - 1];
            ConvolutionShape? depthwise = end - begin == 1 ? null : units[end - 2].ShapeOn(x.Shape);
            ConvolutionShape shape = last.ShapeOn(depthwise?.Output ?? x.Shape);
            Tensor? next = end == units.Count ? null : session.Rent(shape.Output, session.ActivationType);
            ChannelRange target = next is { } made ? new ChannelRange(made) : y;
            if (depthwise == null)
            {
                NormalisedConvolution.Forward(session, shape, target, x, last.Weight.Value, last.BatchNorm, last.Rectify);
            }
            else
            {
                NormalisedWeight? first = end - begin == 3 ? units[begin].NormalisedWeight : null;
                ChannelRange source = passBy ? new ChannelRange(x, 1, 2) : new ChannelRange(x);
                NormalisedBranch.Forward(
                    session, depthwise.Value, target, source, first, units[end - 2].NormalisedWeight, last.NormalisedWeight, passBy);
            }
            between?.Dispose();
            (between, x) = (next, target.Tensor);
        }
    }

    // How many units, from one on, are one kernel on an input of this shape: a depthwise one with those around it (3, or 2), else 1.
    private static int UnitsAtOnce(Session session, IReadOnlyList<ConvolutionUnit> units, int begin, Shape input)
    {
        bool Is(int unit, ConvolutionKind kind) => unit < units.Count && units[unit].Kind == kind;
        int depthwise = Is(begin, ConvolutionKind.Pointwise) ? begin + 1 : begin;
        if (!Is(depthwise, ConvolutionKind.Depthwise) || !Is(depthwise + 1, ConvolutionKind.Pointwise)) return 1;
        return NormalisedBranch.Applies(session, units[depthwise].ShapeOn(input)) ? depthwise + 2 - begin : 1;
    }
}
