using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>What a network made of a batch of N pictures, on the device.</summary>
/// <param name="Losses">[N].</param>
/// <param name="Ranks">[N], in whole numbers of 32 bits: of each picture's label among the guesses, from 0.</param>
/// <param name="Logits">[N, 1, 1, classes]; null unless they were to be left.</param>
public readonly record struct Predictions(Tensor Losses, Tensor Ranks, Tensor? Logits = null) : IDisposable
{
    /// <summary>Waits for them and copies them out.</summary>
    /// <param name="losses">Has room for N.</param>
    /// <param name="ranks">Has room for N.</param>
    public void Download(DeviceStream stream, Span<float> losses, Span<int> ranks)
    {
        Ranks.Download(stream, MemoryMarshal.Cast<int, float>(ranks));
        Losses.Download(stream, losses);
    }

    public void Dispose()
    {
        Losses.Dispose();
        Ranks.Dispose();
        Logits?.Dispose();
    }
}
