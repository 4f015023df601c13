using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// A network's weights, momenta and running statistics in a file: "SPOSCKPT", the header's length (8 bytes, little-endian),
/// the MessagePack header, zeros up to a multiple of 64, the tensors, SHA-256 of all before. It is verified whole before a
/// network is changed.
/// </summary>
public static class Checkpoint
{
    private const int Alignment = 64;

    /// <summary>What a checkpoint begins with.</summary>
    internal static readonly byte[] Magic = "SPOSCKPT"u8.ToArray();

    /// <summary>Writes a checkpoint, whole or not at all.</summary>
    /// <param name="average">The same network with averaged weights, which is saved beside it; or null.</param>
    /// <param name="data">What it was trained on; null if nobody knows.</param>
    public static void Save(
        string path, Session session, ShuffleNetV2OneShot network, long stepsDone, IReadOnlyDictionary<string, string> options,
        ShuffleNetV2OneShot? average = null, TrainedOn? data = null)
    {
        CheckpointHeader header = CheckpointHeader.Of(network.Spec, network.Path);
        header.StepsDone = stepsDone;
        header.Options = new Dictionary<string, string>(options);
        if (data != null) (header.ClassNames, header.Train, header.Val) = ([.. data.ClassNames], data.Train, data.Val);
        header.BatchesTracked = [.. network.BatchNorms.Select(layer => layer.BatchesTracked)];
        (string Name, Tensor Tensor)[] tensors = [.. TensorsOf(network), .. AveragesOf(average)];
        header.Tensors = [.. tensors.Select(t => new CheckpointTensor { Name = t.Name, Shape = Extents(t.Tensor.Shape) })];
        float[][] values = [.. tensors.Select(t => t.Tensor.Download(session.Stream))];
        byte[] packed = MessagePackSerializer.Serialize(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, packed.Length);
        AtomicFile.Write(path, stream =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            void Append(ReadOnlySpan<byte> bytes)
            {
                hash.AppendData(bytes);
                stream.Write(bytes);
            }

            Append(Magic);
            Append(length);
            Append(packed);
            Append(new byte[Padding(packed.Length)]);
            foreach (float[] tensor in values) Append(MemoryMarshal.AsBytes(tensor.AsSpan()));
            stream.Write(hash.GetHashAndReset());
        });
    }

    /// <summary>Reads and checks a checkpoint's header.</summary>
    /// <exception cref="CheckpointException">The file is missing or is not a whole checkpoint.</exception>
    public static CheckpointHeader ReadHeader(string path)
    {
        using CheckpointReader reader = CheckpointReader.Open(path);
        return reader.Header;
    }

    /// <summary>Reads a checkpoint's header and checks the whole file against its checksum.</summary>
    /// <exception cref="CheckpointException">The file is missing or damaged.</exception>
    public static CheckpointHeader Verify(string path)
    {
        using CheckpointReader reader = CheckpointReader.Open(path);
        reader.Verify();
        return reader.Header;
    }

    /// <summary>Fills a network, which must be of the checkpoint's sizes, and returns the header.</summary>
    /// <param name="average">Takes the averaged weights; null to leave them.</param>
    /// <exception cref="CheckpointException">The file is damaged or of another network; the network is as it was.</exception>
    public static CheckpointHeader Load(string path, Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average = null)
    {
        using CheckpointReader reader = CheckpointReader.Open(path);
        reader.Load(session, network, average);
        return reader.Header;
    }

    /// <summary>Fills a network with the averaged weights of a checkpoint that has them; momenta stay as they are.</summary>
    /// <exception cref="CheckpointException">As of <see cref="Load"/>, or it has no averages.</exception>
    public static CheckpointHeader LoadAverage(string path, Session session, ShuffleNetV2OneShot network)
    {
        using CheckpointReader reader = CheckpointReader.Open(path);
        reader.LoadAverage(session, network);
        return reader.Header;
    }

    /// <summary>The tensors of a network that a checkpoint holds, in its order.</summary>
    internal static IEnumerable<(string Name, Tensor Tensor)> TensorsOf(ShuffleNetV2OneShot network)
    {
        foreach (Parameter parameter in network.Parameters)
        {
            yield return (parameter.Name, parameter.Value);
            yield return ($"{parameter.Name}.momentum", parameter.Momentum);
        }
        foreach (BatchNormLayer layer in network.BatchNorms)
        {
            yield return ($"{layer.Name}.running_mean", layer.RunningMean);
            yield return ($"{layer.Name}.running_var", layer.RunningVariance);
        }
    }

    /// <summary>Those of averaged weights, which follow.</summary>
    internal static IEnumerable<(string Name, Tensor Tensor)> AveragesOf(ShuffleNetV2OneShot? average)
    {
        if (average == null) yield break;
        foreach (Parameter parameter in average.Parameters) yield return (parameter.Name + CheckpointHeader.AverageEnding, parameter.Value);
        foreach (BatchNormLayer layer in average.BatchNorms)
        {
            yield return ($"{layer.Name}.running_mean{CheckpointHeader.AverageEnding}", layer.RunningMean);
            yield return ($"{layer.Name}.running_var{CheckpointHeader.AverageEnding}", layer.RunningVariance);
        }
    }

    /// <summary>A shape as checkpoints write it.</summary>
    internal static int[] Extents(Shape shape) => [shape.N, shape.H, shape.W, shape.C];

    /// <summary>Zeros between the header and the tensors.</summary>
    internal static int Padding(int headerLength) => (Alignment - (Magic.Length + 8 + headerLength) % Alignment) % Alignment;
}
