using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Nn;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>A network that several processes have, each its own copy: all that a checkpoint keeps of it is the same everywhere.</summary>
public static class SharedNetwork
{
    /// <summary>Gives the first process's network to all others.</summary>
    /// <param name="average">Its averaged weights; null without.</param>
    public static void Give(IRanks ranks, Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average)
    {
        if (ranks.Count == 1) return;
        foreach (Tensor tensor in TensorsOf(network, average))
        {
            float[] values = tensor.Download(session.Stream);
            ranks.Broadcast(MemoryMarshal.AsBytes(values.AsSpan()));
            if (!ranks.IsFirst) tensor.Upload(session.Stream, values);
        }
        long[] tracked = [.. network.BatchNorms.Select(layer => layer.BatchesTracked)];
        ranks.Broadcast(MemoryMarshal.AsBytes(tracked.AsSpan()));
        foreach ((BatchNormLayer layer, long batches) in network.BatchNorms.Zip(tracked)) layer.BatchesTracked = batches;
        foreach ((BatchNormLayer layer, long batches) in (average?.BatchNorms ?? []).Zip(tracked)) layer.BatchesTracked = batches;
    }

    /// <summary>Throws unless all processes have the same bits.</summary>
    /// <exception cref="RanksException">One computes something else.</exception>
    public static void RequireSame(IRanks ranks, Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average)
    {
        if (ranks.Count == 1) return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in TensorsOf(network, average))
        {
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Download(session.Stream).AsSpan()));
        }
        hash.AppendData(MemoryMarshal.AsBytes<long>((long[])[.. network.BatchNorms.Select(layer => layer.BatchesTracked)]));
        byte[][] all = ranks.GatherAll<byte>(hash.GetHashAndReset());
        int other = Array.FindIndex(all, digest => !digest.AsSpan().SequenceEqual(all[0]));
        if (other < 0) return;
        throw new RanksException(
            $"{ranks.NameOf(other)} has other weights than {ranks.NameOf(0)}, and nothing of it is saved. It computes otherwise, which "
            + "is a fault of the hardware or of Spos. The last checkpoint is whole: start the same command again, without it.");
    }

    private static IEnumerable<Tensor> TensorsOf(ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average) =>
        Checkpoint.TensorsOf(network).Concat(Checkpoint.AveragesOf(average)).Select(named => named.Tensor);
}
