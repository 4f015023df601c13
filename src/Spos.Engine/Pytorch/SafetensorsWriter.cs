using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes networks as safetensors (github.com/huggingface/safetensors, "Format"): the header's length, a JSON header, the
/// tensors. Names and shapes are the official checkpoints'; the <see cref="ExportRecord"/> is in the header's metadata.
/// </summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes a file, whole or not at all.</summary>
    /// <param name="record">What the file says of the network; null for nothing.</param>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network, ExportRecord? record = null)
    {
        OfficialTensor[] tensors = [.. OfficialTensors.Of(network)];
        BatchNormLayer[] layers = [.. tensors.Select(t => t.Layer).OfType<BatchNormLayer>()];
        var metadata = new Dictionary<string, string>(record?.ToMetadata() ?? new Dictionary<string, string>()) { ["format"] = "pt" };
        var header = new Dictionary<string, object> { [SafetensorsFile.MetadataName] = metadata };
        long offset = 0;
        void Place(string name, string type, long[] sizes, long bytes)
        {
            header[name] = new { dtype = type, shape = sizes, data_offsets = new[] { offset, offset + bytes } };
            offset += bytes;
        }

        // The larger elements first, so that all are aligned.
        foreach (BatchNormLayer layer in layers) Place($"{layer.Name}.{OfficialTensors.Counter}", "I64", [], sizeof(long));
        foreach (OfficialTensor tensor in tensors) Place(tensor.Name, "F32", tensor.Sizes, tensor.Tensor.Shape.Count * sizeof(float));
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padding = (Alignment - json.Length % Alignment) % Alignment;
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length + padding);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(length);
            stream.Write(json);
            for (int i = 0; i < padding; i++) stream.WriteByte((byte)' ');
            foreach (BatchNormLayer layer in layers) stream.Write(BitConverter.GetBytes(layer.BatchesTracked));
            foreach (OfficialTensor tensor in tensors)
            {
                float[] values = tensor.ToTorch(tensor.Tensor.Download(session.Stream));
                stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            }
        });
    }
}
