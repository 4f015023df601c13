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
/// which the official code loads strictly.
/// </summary>
public static class TorchWriter
{
    private const string Root = "checkpoint/";

    /// <summary>Writes a checkpoint, whole or not at all.</summary>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network)
    {
        (OfficialTensor Tensor, float[] Values)[] tensors = [.. OfficialTensors.Of(network).Select(t => (t, t.ToTorch(t.Tensor.Download(session.Stream))))];
        AtomicFile.Write(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            var pickle = new Pickler();
            pickle.Begin();
            // PyTorch counts batches beside every running variance, and its strict loading asks for the counts.
            int storage = 0;
            var counters = new List<int>();
            foreach ((OfficialTensor tensor, _) in tensors)
            {
                pickle.Tensor(tensor.Name, "FloatStorage", storage++, tensor.Sizes);
                if (!tensor.Name.EndsWith(".running_var", StringComparison.Ordinal)) continue;
                counters.Add(storage);
                pickle.Tensor($"{tensor.Name[..^"running_var".Length]}num_batches_tracked", "LongStorage", storage++, []);
            }
            Add(archive, "data.pkl", pickle.End());
            storage = 0;
            foreach ((_, float[] values) in tensors)
            {
                Add(archive, $"data/{storage++}", MemoryMarshal.AsBytes(values.AsSpan()));
                if (counters.Contains(storage)) Add(archive, $"data/{storage++}", new byte[8]);
            }
            Add(archive, "version", "3\n"u8);
        });
    }

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> contents)
    {
        using Stream entry = archive.CreateEntry(Root + name, CompressionLevel.NoCompression).Open();
        entry.Write(contents);
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

        public byte[] End()
        {
            Bytes((byte)'u', (byte)'s', (byte)'.');
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
