using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Fusion;

/// <summary>
/// A block of two branches in inference. They read their channels of the input where they lie and write their channels of the output; a
/// depthwise unit and the pointwise ones around it are one kernel.
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
        Tensor y = session.Rent(block.OutputOn(x.Shape));
        (ChannelRange input, ChannelRange output) = (new ChannelRange(x, 1, 2), new ChannelRange(y, first));
        if (block.Projection.Count > 0)
        {
            RunBranch(session, block.Projection, new ChannelRange(y), new ChannelRange(x));
            RunBranch(session, block.Main, output, new ChannelRange(x));
        }
        else if (block.Main.Count == 3 && UnitsAtOnce(session, block.Main, 0, x.Shape) == 3)
        {
            RunBranch(session, block.Main, output, input, passBy: true);
        }
        else
        {
            NormalisedConvolution.Take(session, new ChannelRange(y), x, odd: false);
            using Tensor? odd = block.Main[0].Kind == ConvolutionKind.Pointwise ? null : session.Rent(x.Shape.WithChannels(first));
            if (odd is { } taken) NormalisedConvolution.Take(session, new ChannelRange(taken), x, odd: true);
            RunBranch(session, block.Main, output, odd is { } range ? new ChannelRange(range) : input);
        }
        return y;
    }

    // With `passBy`, all units are one kernel, which also copies the channels that the branch leaves out.
    private static void RunBranch(
        Session session, IReadOnlyList<ConvolutionUnit> units, ChannelRange y, ChannelRange x, bool passBy = false)
    {
        Tensor? between = null;
        for (int begin = 0, end; begin < units.Count; begin = end)
        {
            end = begin + UnitsAtOnce(session, units, begin, x.Tensor.Shape);
            ConvolutionUnit last = units[end - 1];
            ConvolutionShape? depthwise = end - begin == 1 ? null : units[end - 2].ShapeOn(x.Tensor.Shape);
            ConvolutionShape shape = last.ShapeOn(depthwise?.Output ?? x.Tensor.Shape);
            Tensor? next = end == units.Count ? null : session.Rent(shape.Output);
            ChannelRange target = next is { } made ? new ChannelRange(made) : y;
            if (depthwise == null)
            {
                NormalisedConvolution.Forward(session, shape, target, x, last.Weight.Value, last.BatchNorm, last.Rectify);
            }
            else
            {
                NormalisedWeight? first = end - begin == 3 ? units[begin].NormalisedWeight : null;
                NormalisedBranch.Forward(
                    session, depthwise.Value, target, x, first, units[end - 2].NormalisedWeight, last.NormalisedWeight, passBy);
            }
            between?.Dispose();
            (between, x) = (next, target);
        }
    }

    // How many units, from one on, are one kernel on an input of this shape: a depthwise one with those around it (3, or 2), else 1.
    private static int UnitsAtOnce(Session session, IReadOnlyList<ConvolutionUnit> units, int begin, Shape input)
    {
        bool Is(int unit, ConvolutionKind kind) => unit < units.Count && units[unit].Kind == kind;
        int depthwise = Is(begin, ConvolutionKind.Pointwise) ? begin + 1 : begin;
        if (!Is(depthwise, ConvolutionKind.Depthwise) || !Is(depthwise + 1, ConvolutionKind.Pointwise)) return 1;
        return NormalisedBranch.Applies(session.Device, units[depthwise].ShapeOn(input)) ? depthwise + 2 - begin : 1;
    }
}
