using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// A checkpoint that is open for reading. What was opened can be read to its end, even if the run that wrote it removes the file
/// meanwhile.
/// </summary>
public sealed class CheckpointReader : IDisposable
{
    private const int MostHeaderBytes = 16 << 20;

    private static readonly MessagePackSerializerOptions Untrusted =
        MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData);

    private readonly FileStream _stream;
    private readonly byte[] _head;

    private CheckpointReader(string path, FileStream stream, byte[] head, CheckpointHeader header) =>
        (Path, _stream, _head, Header) = (path, stream, head, header);

    /// <summary>The file.</summary>
    public string Path { get; }

    public CheckpointHeader Header { get; }

    /// <summary>Opens a checkpoint and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing or is not a whole checkpoint.</exception>
    public static CheckpointReader Open(string path)
    {
        if (RegularFile.IsOther(path))
        {
            throw new CheckpointException($"{path}: cannot be read: it is no regular file.") { IsDamage = false };
        }
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            byte[] head = ReadHead(stream, path);
            var reader = new CheckpointReader(path, stream, head, Parse(stream, head, path));
            stream = null;
            return reader;
        }
        catch (Exception error) when (error is EndOfStreamException
            or MessagePackSerializationException or ArgumentException or FormatException)
        {
            throw new CheckpointException($"{path} is not a whole Spos checkpoint: {ReasonOf(error)}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read: {error.Message}") { IsDamage = false };
        }
        finally
        {
            stream?.Dispose();
        }
    }

    /// <summary>Checks the whole file against its checksum.</summary>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public void Verify()
    {
        using IncrementalHash hash = BeginTensors();
        byte[] piece = new byte[1 << 20];
        for (long left = _stream.Length - _stream.Position - SHA256.HashSizeInBytes; left > 0;)
        {
            Span<byte> next = piece.AsSpan(0, (int)Math.Min(left, piece.Length));
            _stream.ReadExactly(next);
            hash.AppendData(next);
            left -= next.Length;
        }
        CheckSum(hash);
    }

    /// <summary>Fills a network, which must be of the checkpoint's sizes.</summary>
    /// <param name="average">Takes the averaged weights; null to leave them.</param>
    /// <exception cref="CheckpointException">The file is damaged or of another network; the network is as it was.</exception>
    public void Load(Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average = null) =>
        Load(session, network, [.. Checkpoint.TensorsOf(network)], [.. Checkpoint.AveragesOf(average)]);

    /// <summary>Fills a network with the averaged weights of a checkpoint that has them; momenta stay as they are.</summary>
    /// <exception cref="CheckpointException">As of <see cref="Load(Session, ShuffleNetV2OneShot, ShuffleNetV2OneShot)"/>, or
    /// it has no averages.</exception>
    public void LoadAverage(Session session, ShuffleNetV2OneShot network) =>
        Load(session, network, [], [.. Checkpoint.AveragesOf(network)]);

    public void Dispose() => _stream.Dispose();

    // Fills `main` and `averages`, each either empty or all there are.
    private void Load(
        Session session, ShuffleNetV2OneShot network, (string Name, Tensor Tensor)[] main, (string Name, Tensor Tensor)[] averages)
    {
        CheckpointTensor[] there = Header.Tensors;
        if (Header.Spec != network.Spec)
        {
            throw new CheckpointException(
                $"{Path} is of another network: it has {Header.Spec}{AffineText(Header.Affine)}; "
                + $"needed are {network.Spec}{AffineText(network.Spec.Affine)}.");
        }
        if (!Equals(Header.Path, network.Path))
        {
            throw new CheckpointException(
                $"{Path} is of another network: it has {PathText(Header.Path)}; needed is {PathText(network.Path)}.");
        }
        (string Name, Tensor Tensor)[] tensors =
            [.. Checkpoint.TensorsOf(network), .. Header.IsAveraged ? Checkpoint.AveragesOf(network) : []];
        if (averages.Length > 0 && !Header.IsAveraged)
        {
            throw new CheckpointException($"{Path} holds no averaged weights: it was trained without --ema-decay.");
        }
        if (tensors.Length != there.Length)
        {
            throw new CheckpointException($"{Path} holds {there.Length} tensors; this network has {tensors.Length}.");
        }
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i].Name != there[i].Name || !there[i].Shape.SequenceEqual(Checkpoint.Extents(tensors[i].Tensor.Shape)))
            {
                throw new CheckpointException(
                    $"{Path}: tensor {there[i].Name} [{string.Join(", ", there[i].Shape)}] "
                    + $"stands where {tensors[i].Name} {tensors[i].Tensor.Shape} is needed.");
            }
        }
        float[][] values = [.. tensors.Select(t => new float[t.Tensor.Shape.Count])];
        ReadTensors(values);
        Dictionary<string, Tensor> wanted = main.Concat(averages).ToDictionary(t => t.Name, t => t.Tensor);
        for (int i = 0; i < tensors.Length; i++)
        {
            if (wanted.TryGetValue(tensors[i].Name, out Tensor tensor)) tensor.Upload(session.Stream, values[i]);
        }
        foreach ((BatchNormLayer layer, long batches) in network.BatchNorms.Zip(Header.BatchesTracked ?? []))
        {
            layer.BatchesTracked = batches;
        }
    }

    private void ReadTensors(float[][] values)
    {
        using IncrementalHash hash = BeginTensors();
        long expected = _stream.Position + values.Sum(v => (long)v.Length * sizeof(float)) + SHA256.HashSizeInBytes;
        if (_stream.Length != expected)
        {
            throw new CheckpointException($"{Path} is damaged: it has {_stream.Length} bytes, not {expected}. Use an earlier checkpoint.");
        }
        foreach (float[] tensor in values)
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(tensor.AsSpan());
            _stream.ReadExactly(bytes);
            hash.AppendData(bytes);
        }
        CheckSum(hash);
    }

    // Goes to the first tensor, with all that is before it in the hash.
    private IncrementalHash BeginTensors()
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_head);
        _stream.Position = _head.Length;
        return hash;
    }

    private void CheckSum(IncrementalHash hash)
    {
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(Header.Sha256))
        {
            throw new CheckpointException($"{Path} is damaged: its checksum does not fit. Use an earlier checkpoint.");
        }
    }

    // All before the tensors.
    private static byte[] ReadHead(FileStream stream, string path)
    {
        byte[] start = new byte[Checkpoint.Magic.Length + sizeof(long)];
        stream.ReadExactly(start);
        long length = BinaryPrimitives.ReadInt64LittleEndian(start.AsSpan(Checkpoint.Magic.Length));
        if (!start.AsSpan().StartsWith(Checkpoint.Magic) || length is < 1 or > MostHeaderBytes)
        {
            throw new CheckpointException($"{path} is not a Spos checkpoint{Hint(start)}.");
        }
        // A short file cannot ask for much memory.
        if (length > stream.Length) throw new EndOfStreamException("it is cut short.");
        byte[] head = new byte[start.Length + length + Checkpoint.Padding((int)length)];
        start.CopyTo(head, 0);
        stream.ReadExactly(head.AsSpan(start.Length));
        return head;
    }

    private static CheckpointHeader Parse(FileStream stream, byte[] head, string path)
    {
        int start = Checkpoint.Magic.Length + sizeof(long);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(Checkpoint.Magic.Length));
        // A file that was made by others may have nil in the place of anything.
        CheckpointHeader header = MessagePackSerializer.Deserialize<CheckpointHeader?>(head.AsMemory(start, length), Untrusted)
            ?? throw new FormatException("it has no header.");
        if (header.Version != CheckpointHeader.CurrentVersion)
        {
            throw new CheckpointException(
                $"{path} has format version {header.Version}; this program reads version {CheckpointHeader.CurrentVersion}.")
            {
                IsDamage = false,
            };
        }
        if (BlockSet.Of(header.Blocks) == null)
        {
            throw new CheckpointException(
                $"{path} is of a network with the blocks '{Shown.Excerpt(header.Blocks!)}', which this program does not know. "
                + "Use a newer version of it.")
            {
                IsDamage = false,
            };
        }
        header.Spec.Validate();
        if (header.Path is { } own && header.Spec.Space.FaultOf(own) is { } fault) throw new FormatException($"its architecture {fault}.");
        if (header.ClassNames is { } names && (names.Length != header.Classes || names.Contains(null)))
        {
            throw new FormatException($"it has {header.Classes} classes, which its names do not fit.");
        }
        if (header.Options == null || header.Options.ContainsValue(null!)) throw new FormatException("its options have no values.");
        if (header.Tensors == null || header.Tensors.Any(one => one is not { Name: not null, Shape: not null }))
        {
            throw new FormatException("its tensors have no names or shapes.");
        }
        if (!IsWhole(header.Train) || !IsWhole(header.Val)) throw new FormatException("it does not tell its pictures.");
        header.Sha256 = ReadEnd(stream);
        return header;
    }

    private static bool IsWhole(DataSetIdentity? data) => data == null
        || (data is { Digest: not null, Classes: not null } && data.Classes.All(one => one is { Name: not null, Digest: not null }));

    // The file's checksum.
    private static byte[] ReadEnd(FileStream stream)
    {
        byte[] end = new byte[SHA256.HashSizeInBytes];
        if (stream.Length < stream.Position + end.Length) throw new EndOfStreamException("it is cut short.");
        stream.Seek(-end.Length, SeekOrigin.End);
        stream.ReadExactly(end);
        return end;
    }

    // The words of our own exceptions; those of the libraries say nothing of the file.
    private static string ReasonOf(Exception error) => error switch
    {
        EndOfStreamException => "it is cut short.",
        MessagePackSerializationException or ArgumentException { ParamName: not null } => "its header is damaged.",
        _ => error.Message,
    };

    private static string Hint(byte[] start) =>
        FileContent.Of(start) is FileFormat.TorchArchive or FileFormat.Zip or FileFormat.TorchStream or FileFormat.Safetensors
            ? " but looks like one of PyTorch's; spos import reads those"
            : "";

    private static string AffineText(bool affine) => affine ? ", affine batch norm" : ", batch norm without affine";

    private static string PathText(Space.Architecture? path) => path == null ? "a supernet" : $"the architecture {path}";
}
