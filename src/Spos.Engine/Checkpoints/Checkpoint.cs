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
    private const int MostHeaderBytes = 16 << 20;

    private static readonly byte[] Magic = "SPOSCKPT"u8.ToArray();
    private static readonly MessagePackSerializerOptions Untrusted = MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData);

    /// <summary>Writes a checkpoint, whole or not at all.</summary>
    /// <param name="average">The same network with averaged weights, which is saved beside it; or null.</param>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network, long stepsDone, IReadOnlyDictionary<string, string> options, ShuffleNetV2OneShot? average = null)
    {
        CheckpointHeader header = CheckpointHeader.Of(network.Spec, network.Path);
        header.StepsDone = stepsDone;
        header.Options = new Dictionary<string, string>(options);
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
        using FileStream stream = Open(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        return ReadHeader(stream, hash, path);
    }

    /// <summary>Reads a checkpoint's header and checks the whole file against its checksum.</summary>
    /// <exception cref="CheckpointException">The file is missing or damaged.</exception>
    public static CheckpointHeader Verify(string path)
    {
        using FileStream stream = Open(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        CheckpointHeader header = ReadHeader(stream, hash, path);
        byte[] piece = new byte[1 << 20];
        for (long left = stream.Length - stream.Position - SHA256.HashSizeInBytes; left > 0;)
        {
            Span<byte> next = piece.AsSpan(0, (int)Math.Min(left, piece.Length));
            stream.ReadExactly(next);
            hash.AppendData(next);
            left -= next.Length;
        }
        CheckSum(hash, header, path);
        return header;
    }

    /// <summary>Fills a network, which must be of the checkpoint's sizes, and returns the header.</summary>
    /// <param name="average">Takes the averaged weights; null to leave them.</param>
    /// <exception cref="CheckpointException">The file is damaged or of another network; the network is as it was.</exception>
    public static CheckpointHeader Load(string path, Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average = null) =>
        Load(path, session, network, [.. TensorsOf(network)], [.. AveragesOf(average)]);

    /// <summary>Fills a network with the averaged weights of a checkpoint that has them; momenta stay as they are.</summary>
    /// <exception cref="CheckpointException">As of <see cref="Load(string, Session, ShuffleNetV2OneShot, ShuffleNetV2OneShot)"/>, or it has no averages.</exception>
    public static CheckpointHeader LoadAverage(string path, Session session, ShuffleNetV2OneShot network) => Load(path, session, network, [], [.. AveragesOf(network)]);

    // Fills `main` and `averages`, each either empty or all there are.
    private static CheckpointHeader Load(string path, Session session, ShuffleNetV2OneShot network, (string Name, Tensor Tensor)[] main, (string Name, Tensor Tensor)[] averages)
    {
        using FileStream stream = Open(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        CheckpointHeader header = ReadHeader(stream, hash, path);
        if (header.Spec != network.Spec) throw new CheckpointException($"{path} is of another network: it has {header.Spec}{AffineText(header.Affine)}; needed are {network.Spec}{AffineText(network.Spec.Affine)}.");
        if (!Equals(header.Path, network.Path)) throw new CheckpointException($"{path} is of another network: it has {PathText(header.Path)}; needed is {PathText(network.Path)}.");
        (string Name, Tensor Tensor)[] tensors = [.. TensorsOf(network), .. header.IsAveraged ? AveragesOf(network) : []];
        if (averages.Length > 0 && !header.IsAveraged) throw new CheckpointException($"{path} holds no averaged weights: it was trained without --ema-decay.");
        if (tensors.Length != header.Tensors.Length) throw new CheckpointException($"{path} holds {header.Tensors.Length} tensors; this network has {tensors.Length}.");
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i].Name != header.Tensors[i].Name || !header.Tensors[i].Shape.SequenceEqual(Extents(tensors[i].Tensor.Shape)))
            {
                throw new CheckpointException($"{path}: tensor {header.Tensors[i].Name} [{string.Join(", ", header.Tensors[i].Shape)}] stands where {tensors[i].Name} {tensors[i].Tensor.Shape} is needed.");
            }
        }
        float[][] values = [.. tensors.Select(t => new float[t.Tensor.Shape.Count])];
        ReadTensors(stream, hash, path, header, values);
        Dictionary<string, Tensor> wanted = main.Concat(averages).ToDictionary(t => t.Name, t => t.Tensor);
        for (int i = 0; i < tensors.Length; i++)
        {
            if (wanted.TryGetValue(tensors[i].Name, out Tensor tensor)) tensor.Upload(session.Stream, values[i]);
        }
        return header;
    }

    private static void ReadTensors(FileStream stream, IncrementalHash hash, string path, CheckpointHeader header, float[][] values)
    {
        long expected = stream.Position + values.Sum(v => (long)v.Length * sizeof(float)) + SHA256.HashSizeInBytes;
        if (stream.Length != expected) throw new CheckpointException($"{path} is damaged: it has {stream.Length} bytes, not {expected}. Use an earlier checkpoint.");
        foreach (float[] tensor in values)
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(tensor.AsSpan());
            stream.ReadExactly(bytes);
            hash.AppendData(bytes);
        }
        CheckSum(hash, header, path);
    }

    private static void CheckSum(IncrementalHash hash, CheckpointHeader header, string path)
    {
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(header.Sha256)) throw new CheckpointException($"{path} is damaged: its checksum does not fit. Use an earlier checkpoint.");
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read: {error.Message}");
        }
    }

    private static CheckpointHeader ReadHeader(FileStream stream, IncrementalHash hash, string path)
    {
        try
        {
            byte[] start = new byte[Magic.Length + 8];
            stream.ReadExactly(start);
            long length = BinaryPrimitives.ReadInt64LittleEndian(start.AsSpan(Magic.Length));
            if (!start.AsSpan(0, Magic.Length).SequenceEqual(Magic) || length is < 1 or > MostHeaderBytes) throw new CheckpointException($"{path} is not a Spos checkpoint{Hint(start)}.");
            byte[] packed = new byte[length], padding = new byte[Padding((int)length)];
            stream.ReadExactly(packed);
            stream.ReadExactly(padding);
            hash.AppendData(start);
            hash.AppendData(packed);
            hash.AppendData(padding);
            CheckpointHeader header = MessagePackSerializer.Deserialize<CheckpointHeader>(packed, Untrusted);
            if (header.Version != CheckpointHeader.CurrentVersion) throw new CheckpointException($"{path} has format version {header.Version}; this program reads version {CheckpointHeader.CurrentVersion}.");
            header.Spec.Validate();
            _ = header.Path;
            header.Sha256 = ReadEnd(stream);
            return header;
        }
        catch (Exception error) when (error is EndOfStreamException or MessagePackSerializationException or ArgumentException or FormatException)
        {
            throw new CheckpointException($"{path} is not a whole Spos checkpoint: {error.Message}");
        }
    }

    // torch.save writes zip archives, or formerly a pickle of its own magic number.
    private static string Hint(byte[] start) =>
        start.AsSpan().StartsWith("PK"u8) || start is [0x80, 0x02, 0x8A, 0x0A, ..] ? " but looks like one of PyTorch's; spos import reads those" : "";

    // The file's checksum; the position stays.
    private static byte[] ReadEnd(FileStream stream)
    {
        long position = stream.Position;
        byte[] end = new byte[SHA256.HashSizeInBytes];
        if (stream.Length < position + end.Length) throw new EndOfStreamException("it is cut short.");
        stream.Seek(-end.Length, SeekOrigin.End);
        stream.ReadExactly(end);
        stream.Position = position;
        return end;
    }

    private static IEnumerable<(string Name, Tensor Tensor)> TensorsOf(ShuffleNetV2OneShot network)
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

    private static IEnumerable<(string Name, Tensor Tensor)> AveragesOf(ShuffleNetV2OneShot? average)
    {
        if (average == null) yield break;
        foreach (Parameter parameter in average.Parameters) yield return (parameter.Name + CheckpointHeader.AverageEnding, parameter.Value);
        foreach (BatchNormLayer layer in average.BatchNorms)
        {
            yield return ($"{layer.Name}.running_mean{CheckpointHeader.AverageEnding}", layer.RunningMean);
            yield return ($"{layer.Name}.running_var{CheckpointHeader.AverageEnding}", layer.RunningVariance);
        }
    }

    private static int[] Extents(Shape shape) => [shape.N, shape.H, shape.W, shape.C];

    private static int Padding(int headerLength) => (Alignment - (Magic.Length + 8 + headerLength) % Alignment) % Alignment;

    private static string AffineText(bool affine) => affine ? ", affine batch norm" : ", batch norm without affine";

    private static string PathText(Supernet.Architecture? path) => path == null ? "a supernet" : $"the architecture {path}";
}
