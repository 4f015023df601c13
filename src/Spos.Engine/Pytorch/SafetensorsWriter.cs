using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes networks as safetensors (github.com/huggingface/safetensors, "Format"): the header's length, a JSON header, the
/// tensors. Names and shapes are the official checkpoints'.
/// </summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes a file, whole or not at all.</summary>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network)
    {
        OfficialTensor[] tensors = [.. OfficialTensors.Of(network)];
        var header = new Dictionary<string, object> { ["__metadata__"] = new Dictionary<string, string> { ["format"] = "pt" } };
        long offset = 0;
        foreach (OfficialTensor tensor in tensors)
        {
            long end = offset + tensor.Tensor.Shape.Count * sizeof(float);
            header[tensor.Name] = new { dtype = "F32", shape = tensor.Sizes, data_offsets = new[] { offset, end } };
            offset = end;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padding = (Alignment - json.Length % Alignment) % Alignment;
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length + padding);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(length);
            stream.Write(json);
            for (int i = 0; i < padding; i++) stream.WriteByte((byte)' ');
            foreach (OfficialTensor tensor in tensors) stream.Write(MemoryMarshal.AsBytes(tensor.ToTorch(tensor.Tensor.Download(session.Stream)).AsSpan()));
        });
    }
}
