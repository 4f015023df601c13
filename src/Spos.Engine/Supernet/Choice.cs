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
