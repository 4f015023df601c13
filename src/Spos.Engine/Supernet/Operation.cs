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
    public Operation(string prefix, BlockSpec block, BlockDesign design, bool affine)
    {
        Block = block;
        _module = new GraphModule(NetworkGraph.Block(block, design, affine), prefix, _ => Parameters);
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; } = new();

    /// <summary>What its nodes have of their own, in the order of PyTorch's state dict.</summary>
    internal IEnumerable<NodeState> States => _module.States;

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
