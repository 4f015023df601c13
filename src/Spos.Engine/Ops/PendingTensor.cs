using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>A convolution's raw result [N, H, W, C], whose batch norm (and ReLU) is applied by whoever loads it.</summary>
/// <param name="Statistics">[4, 1, 1, C]: mean, 1/deviation, scale and shift.</param>
internal readonly record struct PendingTensor(Tensor Raw, Tensor Statistics, BatchNormLayer Layer, bool Rectify) : IDisposable
{
    public void Dispose()
    {
        Raw.Dispose();
        Statistics.Dispose();
    }
}
