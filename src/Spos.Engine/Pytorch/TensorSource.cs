using Spos.Engine.Files;

namespace Spos.Engine.Pytorch;

/// <summary>One format of files of weights: what was saved, and the bytes of its storages.</summary>
internal abstract class TensorSource(FileStream file) : IDisposable
{
    public object? Root { get; protected init; }

    public IReadOnlyDictionary<string, string> Metadata { get; protected init; } = new Dictionary<string, string>();

    public bool BigEndian { get; protected init; }

    protected FileStream File => file;

    /// <summary>The format that a file's first bytes tell.</summary>
    /// <exception cref="TorchCheckpointException">It is none of those that are read; the message says what it is.</exception>
    public static TensorSource Of(string path, FileStream file)
    {
        byte[] head = new byte[(int)Math.Min(file.Length, FileContent.HeadLength)];
        file.ReadExactly(head);
        file.Position = 0;
        return FileContent.Of(head) switch
        {
            // One that was packed again may begin with any member.
            FileFormat.TorchArchive or FileFormat.Zip => new TorchArchive(path, file),
            FileFormat.TorchStream => new TorchStream(file),
            FileFormat.Safetensors => new SafetensorsFile(file),
            FileFormat other => throw new TorchCheckpointException($"{path} {ForeignFile.Describe(other, head, file)}"),
        };
    }

    /// <summary>The bytes of a storage.</summary>
    /// <exception cref="FormatException">They are not all there, or damaged.</exception>
    public abstract byte[] Read(TorchStorage storage);

    public virtual void Dispose() => file.Dispose();
}
