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
        byte[] head = new byte[(int)Math.Min(file.Length, ForeignFile.HeadLength)];
        file.ReadExactly(head);
        file.Position = 0;
        if (head.AsSpan().StartsWith(TorchArchive.Magic)) return new TorchArchive(path, file);
        if (TorchStream.Recognises(head)) return new TorchStream(file);
        if (SafetensorsFile.Recognises(head, file.Length)) return new SafetensorsFile(file);
        throw new TorchCheckpointException($"{path} {ForeignFile.Describe(head, file)}");
    }

    /// <summary>The bytes of a storage.</summary>
    /// <exception cref="FormatException">They are not all there, or damaged.</exception>
    public abstract byte[] Read(TorchStorage storage);

    public virtual void Dispose() => file.Dispose();
}
