using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>What a network made of a batch of N pictures, on the device.</summary>
/// <param name="Losses">[N].</param>
/// <param name="Ranks">Of each picture's label among the N rows of guesses, from 0.</param>
internal readonly record struct Predictions(Tensor Losses, DeviceArray<int> Ranks) : IDisposable
{
    /// <summary>Waits for them and copies them out.</summary>
    public (float[] Losses, int[] Ranks) Download(DeviceStream stream)
    {
        int[] ranks = new int[Ranks.Length];
        Ranks.Download(stream, ranks);
        return (Losses.Download(stream), ranks);
    }

    public void Dispose()
    {
        Losses.Dispose();
        Ranks.Dispose();
    }
}
