using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// How the branches of a block are built: one alternative of a search space, as data. <see cref="NetworkGraph.Block"/> makes its graph.
/// </summary>
/// <param name="Name">What people call it. Those of the paper have the names that megvii's FLOPs table has for them.</param>
/// <param name="Kernel">Height and width of the depthwise kernels.</param>
public sealed record BlockDesign(string Name, int Kernel)
{
    /// <summary>
    /// Whether the main branch is three times depthwise, pointwise; else it is pointwise, depthwise, pointwise.
    /// </summary>
    public bool IsXception { get; init; }

    /// <summary>Whether hard swish stands in the place of ReLU.</summary>
    public bool Swishes { get; init; }

    /// <summary>Whether the main branch ends in squeeze-and-excitation.</summary>
    public bool Excites { get; init; }

    /// <summary>
    /// The number of the main branch's channel scale (<see cref="ChannelScales"/>); null for as many channels inside as the block has.
    /// </summary>
    public int? Scale { get; init; }

    /// <summary>Channels inside a block's main branch.</summary>
    public int MiddleOf(BlockSpec block) => Scale is { } scale ? ChannelScales.Of(scale, block.Middle) : block.Middle;
}
