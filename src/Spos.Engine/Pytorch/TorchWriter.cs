using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes networks as torch.save does since PyTorch 1.6, under the official names: {"state_dict": OrderedDict of tensors},
/// which the official code loads strictly, and the <see cref="ExportRecord"/> as a dict of texts beside it.
/// </summary>
public static class TorchWriter
{
    private const string Root = "checkpoint/";

    // The first day that zip archives know, as torch.save has it.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a checkpoint, whole or not at all.</summary>
    /// <param name="record">What the file says of the network; null for nothing.</param>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network, ExportRecord? record = null) =>
        AtomicFile.Write(path, WriterOf(session, network, record));

    /// <summary>What writes the checkpoint to a stream; the weights are those of now.</summary>
    /// <param name="record">As of <see cref="Save"/>.</param>
    public static Action<Stream> WriterOf(Session session, ShuffleNetV2OneShot network, ExportRecord? record)
    {
        (OfficialTensor Tensor, float[] Values)[] tensors =
            [.. OfficialTensors.Of(network).Select(t => (t, t.ToTorch(t.Tensor.Download(session.Stream))))];
        return stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            var pickle = new Pickler();
            pickle.Begin();
            // PyTorch counts batches beside every running variance, and its strict loading asks for the counts.
            var storages = new List<byte[]>();
            foreach ((OfficialTensor tensor, float[] values) in tensors)
            {
                pickle.Tensor(tensor.Name, "FloatStorage", storages.Count, tensor.Sizes);
                storages.Add(MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
                if (tensor.Layer is not { } layer) continue;
                pickle.Tensor($"{layer.Name}.{OfficialTensors.Counter}", "LongStorage", storages.Count, []);
                storages.Add(BitConverter.GetBytes(layer.BatchesTracked));
            }
            Add(archive, "data.pkl", pickle.End(record?.ToMetadata()));
            for (int storage = 0; storage < storages.Count; storage++) Add(archive, $"data/{storage}", storages[storage]);
            Add(archive, "version", "3\n"u8);
        };
    }

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> contents)
    {
        ZipArchiveEntry entry = archive.CreateEntry(Root + name, CompressionLevel.NoCompression);
        // The same network gives the same bytes.
        entry.LastWriteTime = Epoch;
        using Stream stream = entry.Open();
        stream.Write(contents);
    }

    // The few codes of protocol 2 that this takes; Python's Lib/pickletools.py describes them.
    private sealed class Pickler
    {
        private readonly ArrayBufferWriter<byte> _out = new();

        public void Begin()
        {
            Bytes(0x80, 2);
            Bytes((byte)'}');
            Text("state_dict");
            Global("collections", "OrderedDict");
            Bytes((byte)')', (byte)'R', (byte)'(');
        }

        public void Tensor(string name, string storageClass, int storage, ReadOnlySpan<long> sizes)
        {
            long count = 1;
            foreach (long size in sizes) count *= size;
            Text(name);
            Global("torch._utils", "_rebuild_tensor_v2");
            // (storage, offset, sizes, strides, requires_grad, hooks)
            Bytes((byte)'(', (byte)'(');
            Text("storage");
            Global("torch", storageClass);
            Text(storage.ToString(System.Globalization.CultureInfo.InvariantCulture));
            Text("cpu");
            Number(count);
            Bytes((byte)'t', (byte)'Q');
            Number(0);
            Bytes((byte)'(');
            foreach (long size in sizes) Number(size);
            Bytes((byte)'t', (byte)'(');
            foreach (long size in sizes)
            {
                count /= size;
                Number(count);
            }
            Bytes((byte)'t', 0x89);
            Global("collections", "OrderedDict");
            Bytes((byte)')', (byte)'R', (byte)'t', (byte)'R');
        }

        public byte[] End(IReadOnlyDictionary<string, string>? record)
        {
            Bytes((byte)'u', (byte)'s');
            if (record != null)
            {
                Text(ExportRecord.TorchKey);
                Bytes((byte)'}', (byte)'(');
                foreach ((string name, string value) in record)
                {
                    Text(name);
                    Text(value);
                }
                Bytes((byte)'u', (byte)'s');
            }
            Bytes((byte)'.');
            return _out.WrittenSpan.ToArray();
        }

        private void Bytes(params ReadOnlySpan<byte> bytes) => _out.Write(bytes);

        private void Global(string module, string name) => Bytes(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

        private void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text), length = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            Bytes((byte)'X');
            Bytes(length);
            Bytes(bytes);
        }

        private void Number(long number)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, checked((int)number));
            Bytes((byte)'J');
            Bytes(bytes);
        }
    }
}
