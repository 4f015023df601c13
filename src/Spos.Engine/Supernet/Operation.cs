using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>One operation of one choice block: the graph of <see cref="NetworkGraph.Block"/> with its parameters.</summary>
public sealed class Operation : IDisposable
{
    private readonly GraphModule _module;

    /// <param name="prefix">What its names begin with in the official checkpoints, such as "features.3.0.".</param>
    public Operation(string prefix, BlockSpec block, BlockDesign design, bool affine)
    {
        Block = block;
        _module = new GraphModule(NetworkGraph.Block(block, design, affine), prefix, _ => Parameters);
        (Main, Projection) = (_module.UnitsOf(NetworkGraph.Main), _module.UnitsOf(NetworkGraph.Projection));
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; } = new();

    public IReadOnlyList<ConvolutionUnit> Main { get; }

    /// <summary>Empty at stride 1.</summary>
    public IReadOnlyList<ConvolutionUnit> Projection { get; }

    /// <summary>What its nodes have of their own, in the order of PyTorch's state dict.</summary>
    internal IEnumerable<NodeState> States => _module.States;

    /// <summary>Its batch norms.</summary>
    internal IEnumerable<BatchNormLayer> BatchNorms => States.Select(node => node.State).OfType<BatchNormLayer>();

    /// <summary>Whether the fused plan has kernels for it; else it is run op by op.</summary>
    internal bool IsFused => _module.IsOfUnits;

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    public Tensor Forward(Session session, Tensor x) =>
        NormalisedConvolution.Applies(session) && IsFused ? NormalisedOperation.Forward(session, this, x) : _module.Forward(session, x);

    public void Dispose()
    {
        _module.Dispose();
        Parameters.Dispose();
    }
}
