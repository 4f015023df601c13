using System.Collections.Immutable;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>The four operations of a choice block, numbered as in the official code.</summary>
public enum Choice
{
    /// <summary>pointwise, depthwise 3×3, pointwise.</summary>
    Shuffle3 = 0,

    /// <summary>pointwise, depthwise 5×5, pointwise.</summary>
    Shuffle5 = 1,

    /// <summary>pointwise, depthwise 7×7, pointwise.</summary>
    Shuffle7 = 2,

    /// <summary>Three times depthwise 3×3, pointwise.</summary>
    Xception = 3,
}

/// <summary>The operations as the alternatives of a search space.</summary>
public static class Alternatives
{
    /// <summary>Those of every block, in the order of <see cref="Choice"/>, by the names that megvii's FLOPs table has for them.</summary>
    public static ImmutableArray<Alternative> OfBlock { get; } =
        [new("shufflenet_3x3"), new("shufflenet_5x5"), new("shufflenet_7x7"), new("xception_3x3")];
}
