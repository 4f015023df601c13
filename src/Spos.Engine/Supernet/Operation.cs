using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>One operation of one choice block: the graph of <see cref="NetworkGraph.Block"/> with its parameters.</summary>
public sealed class Operation : IDisposable
{
    private readonly GraphModule _module;

    /// <param name="prefix">What its names begin with in the official checkpoints, such as "features.3.0.".</param>
    public Operation(string prefix, BlockSpec block, Choice choice, bool affine)
    {
        Block = block;
        _module = new GraphModule(NetworkGraph.Block(block, choice, affine), prefix, _ => Parameters);
        (Main, Projection) = (_module.UnitsOf(NetworkGraph.Main), _module.UnitsOf(NetworkGraph.Projection));
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; } = new();

    internal IReadOnlyList<ConvolutionUnit> Main { get; }

    /// <summary>Empty at stride 1.</summary>
    internal IReadOnlyList<ConvolutionUnit> Projection { get; }

    /// <summary>Its branches, where the fused plan has kernels for it; else null, and it is run op by op.</summary>
    internal BranchedBlock? Branches => _module.Branches;

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    internal Tensor Forward(Pass pass, FusionRules rules, Tensor x) => _module.Forward(pass, rules, x);

    public void Dispose()
    {
        _module.Dispose();
        Parameters.Dispose();
    }
}
