using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Nn;

/// <summary>The state of one batch norm: running statistics, and γ and β where it is affine.</summary>
public sealed class BatchNormLayer : IDisposable
{
    /// <summary>Added to the variance; PyTorch's default.</summary>
    public const float Epsilon = 1e-5f;

    /// <param name="name">The name in the official checkpoints, such as "first_conv.1".</param>
    public BatchNormLayer(string name, int channels, bool affine, ParameterGroup group)
    {
        Name = name;
        Channels = channels;
        CountBatch = () => BatchesTracked++;
        if (!affine) return;
        Gamma = group.Add($"{name}.weight", Shape.Vector(channels), decays: false);
        Beta = group.Add($"{name}.bias", Shape.Vector(channels), decays: false);
    }

    public string Name { get; }

    public int Channels { get; }

    public Parameter? Gamma { get; }

    public Parameter? Beta { get; }

    public Tensor RunningMean { get; private set; }

    public Tensor RunningVariance { get; private set; }

    /// <summary>Batches that the running statistics have followed, as PyTorch's num_batches_tracked.</summary>
    public long BatchesTracked { get; set; }

    /// <summary>Counts a batch.</summary>
    internal Action CountBatch { get; }

    public void Allocate(BufferPool pool, DeviceStream stream)
    {
        RunningMean = new Tensor(pool.Rent(Channels * sizeof(float)), Shape.Vector(Channels));
        RunningVariance = new Tensor(pool.Rent(Channels * sizeof(float)), Shape.Vector(Channels));
        ResetStatistics(stream);
    }

    /// <summary>Mean 0 and variance 1, of no batch.</summary>
    public void ResetStatistics(DeviceStream stream)
    {
        RunningMean.Fill(stream, 0);
        RunningVariance.Fill(stream, 1);
        BatchesTracked = 0;
    }

    public void Dispose()
    {
        RunningMean.Dispose();
        RunningVariance.Dispose();
    }
}
