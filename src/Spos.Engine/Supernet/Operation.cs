using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// One operation of one choice block: a main branch, and at stride 2 a projection branch. At stride 1 half of the
/// channels pass by (channel shuffle); the results are concatenated, the passed or projected channels first.
/// </summary>
public sealed class Operation : IDisposable
{
    private Operation(BlockSpec block, ParameterGroup parameters, IReadOnlyList<ConvolutionUnit> main, IReadOnlyList<ConvolutionUnit> projection)
    {
        Block = block;
        Parameters = parameters;
        Main = main;
        Projection = projection;
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; }

    public IReadOnlyList<ConvolutionUnit> Main { get; }

    /// <summary>Empty at stride 1.</summary>
    public IReadOnlyList<ConvolutionUnit> Projection { get; }

    /// <param name="prefix">What its names begin with in the official checkpoints, such as "features.3.0.".</param>
    public static Operation Create(string prefix, BlockSpec block, Choice choice, bool affine)
    {
        var group = new ParameterGroup();
        Graph graph = NetworkGraph.Block(block, choice, affine);
        IReadOnlyList<ConvolutionUnit> main = ConvolutionUnits.Of(graph, prefix, NetworkGraph.Main, group);
        return new Operation(block, group, main, ConvolutionUnits.Of(graph, prefix, NetworkGraph.Projection, group));
    }

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    public Tensor Forward(Session session, Tensor x)
    {
        if (NormalisedConvolution.Applies(session)) return NormalisedOperation.Forward(session, this, x);
        Tensor passed, main;
        if (Block.Stride == 1)
        {
            (passed, Tensor odd) = ChannelShuffle.Forward(session, x);
            x.Dispose();
            main = RunBranch(session, Main, odd);
        }
        else
        {
            passed = RunBranch(session, Projection, x.Retain());
            main = RunBranch(session, Main, x);
        }
        Tensor y = ChannelConcat.Forward(session, passed, main);
        passed.Dispose();
        main.Dispose();
        return y;
    }

    public void Dispose()
    {
        foreach (ConvolutionUnit unit in Main.Concat(Projection)) unit.BatchNorm.Dispose();
        Parameters.Dispose();
    }

    private static Tensor RunBranch(Session session, IReadOnlyList<ConvolutionUnit> units, Tensor x)
    {
        foreach (ConvolutionUnit unit in units)
        {
            Tensor y = unit.Forward(session, x);
            x.Dispose();
            x = y;
        }
        return x;
    }
}
