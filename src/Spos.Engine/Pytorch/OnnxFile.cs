using Google.Protobuf;
using Spos.Engine.Files;

namespace Spos.Engine.Pytorch;

/// <summary>An ONNX graph of <see cref="OnnxWriter"/>'s, read as far as its metadata go: what runs it reads the rest.</summary>
/// <param name="Bytes">The file.</param>
/// <param name="Record">What it says of its network.</param>
/// <param name="TakesPictures">Whether it preprocesses pictures itself.</param>
public sealed record OnnxFile(byte[] Bytes, ExportRecord Record, bool TakesPictures)
{
    // Networks of a path have some tens of megabytes.
    private const int MostBytes = 1 << 30;

    private const int MostEntries = 10_000, MostBytesOfEntry = 256 << 20;

    // Field numbers of ModelProto and StringStringEntryProto.
    private const int Metadata = 14, Key = 1, Value = 2;

    /// <summary>Whether a path is that of a file which looks like an ONNX graph, by its content.</summary>
    public static bool IsAt(string path)
    {
        try
        {
            return File.Exists(path) && FileContent.OfFile(path) == FileFormat.Onnx;
        }
        catch (UnreadableFileException)
        {
            return false;
        }
    }

    /// <exception cref="TorchCheckpointException">It cannot be read, is damaged, or does not say how pictures are fed to it.</exception>
    public static OnnxFile Read(string path)
    {
        byte[] bytes;
        Dictionary<string, string> metadata;
        try
        {
            bytes = SmallFile.ReadBytes(path, MostBytes);
            metadata = MetadataIn(bytes);
        }
        catch (Exception error) when (error is FormatException or InvalidProtocolBufferException)
        {
            throw new TorchCheckpointException($"{path}: {error.Message.TrimEnd('.')}.");
        }
        ExportRecord record = ExportRecord.From(metadata, path) ?? throw new TorchCheckpointException(
            $"{path} is an ONNX model, but not one that spos export wrote: it does not say how pictures are fed to it. "
            + "Export the network's checkpoint by spos export --format onnx.");
        return new OnnxFile(bytes, record, metadata.GetValueOrDefault(OnnxWriter.InputName) == OnnxWriter.Pictures);
    }

    private static Dictionary<string, string> MetadataIn(byte[] model)
    {
        var metadata = new Dictionary<string, string>();
        var fields = new CodedInputStream(model);
        for (uint tag; (tag = fields.ReadTag()) != 0;)
        {
            if (tag != WireFormat.MakeTag(Metadata, WireFormat.WireType.LengthDelimited))
            {
                fields.SkipLastField();
                continue;
            }
            ByteString entry = fields.ReadBytes();
            if (entry.Length > MostBytesOfEntry) throw new FormatException($"an entry of its metadata has {entry.Length} bytes");
            if (metadata.Count == MostEntries) throw new FormatException($"its metadata have more than {MostEntries} entries");
            (string key, string value) = EntryOf(entry);
            metadata[key] = value;
        }
        return metadata;
    }

    private static (string Key, string Value) EntryOf(ByteString entry)
    {
        string key = "", value = "";
        CodedInputStream fields = entry.CreateCodedInput();
        for (uint tag; (tag = fields.ReadTag()) != 0;)
        {
            if (tag == WireFormat.MakeTag(Key, WireFormat.WireType.LengthDelimited)) key = fields.ReadString();
            else if (tag == WireFormat.MakeTag(Value, WireFormat.WireType.LengthDelimited)) value = fields.ReadString();
            else fields.SkipLastField();
        }
        return (key, value);
    }
}
