namespace Spos.Engine.Autograd;

/// <summary>What a session's inference computes in. Training and recalibration are in fp32, whatever it is.</summary>
public enum Precision
{
    /// <summary>Floats.</summary>
    Fp32,

    /// <summary>
    /// Activations are stored in bf16, and products multiply values of bf16 and add in fp32. Batch norm's statistics, scale and shift, the
    /// weights of depthwise convolutions and the classifier stay fp32.
    /// </summary>
    Bf16,
}
