namespace Spos.Engine.Autograd;

/// <summary>What a session computes in, on the fused plan.</summary>
public enum Precision
{
    /// <summary>Floats.</summary>
    Fp32,

    /// <summary>
    /// The blocks' activations and their gradients are stored in bf16, and products multiply values of bf16 and add in fp32. Weights and
    /// their gradients, what is added up, batch norm's statistics, the weights that depthwise convolutions multiply by, and the classifier
    /// stay fp32, and so does, in training, the stem.
    /// </summary>
    Bf16,
}
