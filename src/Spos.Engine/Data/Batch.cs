using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>Pictures ready for the network, and their classes. Dispose of it once the work that reads it has run.</summary>
public sealed class Batch(Tensor images, DeviceArray<int> labels) : IDisposable
{
    /// <summary>[N, S, S, 3], normalised.</summary>
    public Tensor Images { get; } = images;

    /// <summary>N class numbers.</summary>
    public DeviceArray<int> Labels { get; } = labels;

    public int Count => Images.Shape.N;

    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }
}
