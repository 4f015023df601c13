using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>The kinds of convolution that the network has.</summary>
public enum ConvolutionKind
{
    /// <summary>3×3, stride 2, from 3 colours.</summary>
    Stem,

    /// <summary>1×1; on [N,1,1,C] the linear layer.</summary>
    Pointwise,

    /// <summary>Each channel by itself.</summary>
    Depthwise,
}

/// <summary>The three things that are computed of a convolution.</summary>
public enum ConvolutionPass
{
    Forward,
    BackwardData,
    BackwardWeights,
}

/// <summary>A convolution at one size, without bias, padded by kernel/2.</summary>
/// <param name="Input">[N, H, W, in].</param>
public readonly record struct ConvolutionShape(ConvolutionKind Kind, Shape Input, int OutputChannels, int Kernel, int Stride)
{
    /// <summary>[N, (H-1)/s+1, (W-1)/s+1, out].</summary>
    public Shape Output => new(Input.N, (Input.H - 1) / Stride + 1, (Input.W - 1) / Stride + 1, OutputChannels);

    /// <summary>1, or the number of channels for a depthwise convolution.</summary>
    public int Groups => Kind == ConvolutionKind.Depthwise ? Input.C : 1;

    /// <summary>[K, K, in of a group, out].</summary>
    public Shape Weight => new(Kernel, Kernel, Input.C / Groups, OutputChannels);

    /// <summary>Of each of its passes.</summary>
    public long MultiplyAdds => (long)Output.Rows * Weight.Count;

    public override string ToString() => $"{Kind.ToString().ToLowerInvariant()} {Kernel}×{Kernel}/{Stride} {Input} to {OutputChannels}";
}
