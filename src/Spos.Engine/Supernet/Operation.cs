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
    public Operation(string prefix, BlockSpec block, Choice choice, bool affine)
    {
        Block = block;
        _module = new GraphModule(NetworkGraph.Block(block, choice, affine), prefix, _ => Parameters);
        if (_module.OutsideUnits.FirstOrDefault() is { } alone)
        {
            throw new NotSupportedException($"{prefix}{alone}: a block's convolution is followed by its batch norm, which alone takes it.");
        }
        (Main, Projection) = (_module.UnitsOf(NetworkGraph.Main), _module.UnitsOf(NetworkGraph.Projection));
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; } = new();

    public IReadOnlyList<ConvolutionUnit> Main { get; }

    /// <summary>Empty at stride 1.</summary>
    public IReadOnlyList<ConvolutionUnit> Projection { get; }

    /// <summary>Whether the fused plan has kernels for it; else it is run op by op.</summary>
    internal bool IsFused => _module.IsOfUnits;

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    /// <param name="normalises">In inference: whether batch norm is computed with what comes before it.</param>
    internal Tensor Forward(Pass pass, Tensor x, bool normalises) =>
        normalises && IsFused ? NormalisedOperation.Forward(pass.Session, this, x) : _module.Forward(pass, x, normalises);

    public void Dispose()
    {
        _module.Dispose();
        Parameters.Dispose();
    }
}
