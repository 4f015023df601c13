using Spos.Engine.Pickles;
using Spos.Engine.Pytorch;
using Spos.Engine.Tests.Pytorch;

namespace Spos.Engine.Tests.Pickles;

/// <summary>
/// 100,000 mutated pickles and checkpoints. Each ends in an error of the reader's own or in a value; what it allocates is
/// bounded by the size of the file. A case is a function of its number, which a failure names.
/// </summary>
public sealed class PickleFuzzTests : IDisposable
{
    private const int Pickles = 85_000, Checkpoints = 15_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-fuzz-").FullName;

    [Fact]
    public void Mutated_pickles()
    {
        byte[][] seeds = [.. UnpicklerTests.Pickles, .. Objects];
        int errors = 0;
        for (int i = 0; i < Pickles; i++)
        {
            byte[] pickle = Mutate(seeds, i);
            errors += Try(i, pickle.Length, () =>
            {
                int position = 0;
                _ = Unpickler.Load(pickle, ref position, i % 2 == 0 ? new PickleObjects() : new TorchObjects());
            });
        }
        Assert.InRange(errors, Pickles / 10, Pickles - 1000);
    }

    [Fact]
    public void Mutated_checkpoints()
    {
        byte[][] seeds =
        [
            .. new[] { "torch_odd_zip.pth", "torch_odd_legacy.pth" }.Select(name => File.ReadAllBytes(TorchFixtures.At(name))),
            .. TorchVariantsTests.Files, Safetensors,
        ];
        string file = Path.Combine(_folder, "mutated.pth");
        int errors = 0;
        for (int i = 0; i < Checkpoints; i++)
        {
            byte[] contents = Mutate(seeds, i);
            File.WriteAllBytes(file, contents);
            errors += Try(i, contents.Length, () =>
            {
                using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
                _ = ExportRecord.From(checkpoint.Metadata, file);
                IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
                foreach (TorchTensor tensor in tensors.Values.Where(t => t.Count <= 1000)) _ = checkpoint.Floats(tensor);
                _ = OfficialNetwork.Describe(tensors, 32, file);
            });
        }
        Assert.InRange(errors, Checkpoints / 2, Checkpoints);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The objects of torch.save's earlier format, which come after a magic number, a version and what system wrote it.
    private static IEnumerable<byte[]> Objects
    {
        get
        {
            foreach (byte[] file in new[] { "beside_legacy", "beside_legacy_protocol_5", "whole_legacy" }.Select(TorchVariantsTests.Named))
            {
                int position = 0;
                for (int i = 0; i < 3; i++) Unpickler.Load(file, ref position, new PickleObjects());
                yield return file[position..];
            }
        }
    }

    private static byte[] Safetensors
    {
        get
        {
            byte[] header =
                """
                {"__metadata__":
                {"spos_format":"1","image_size":"32","preprocessing":"spos","dropout":"0.1","class_names":"[\"a\"]"},
                "first_conv.0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
                "b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}
                """u8.ToArray();
            return [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[10]];
        }
    }

    // 1 if it ended in an error.
    private static int Try(int number, int size, Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        int errors = 0;
        try
        {
            read();
        }
        catch (Exception error) when (error is PickleException or TorchCheckpointException)
        {
            errors = 1;
        }
        catch (Exception error)
        {
            Assert.Fail($"case {number}: {error}");
        }
        Assert.True(
            GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000 + 200L * size,
            $"case {number} allocated {GC.GetAllocatedBytesForCurrentThread() - before} bytes for a file of {size}");
        return errors;
    }

    // Some bytes changed, removed, doubled, or taken from another seed.
    private static byte[] Mutate(byte[][] seeds, int number)
    {
        var random = new CounterRandom(11, RandomPurpose.Drawing, (ulong)number);
        List<byte> bytes = [.. seeds[random.NextInt(seeds.Length)]];
        for (int changes = 1 + random.NextInt(4); changes > 0 && bytes.Count > 0; changes--)
        {
            int at = random.NextInt(bytes.Count), count = Math.Min(1 + random.NextInt(12), bytes.Count - at);
            switch (random.NextInt(5))
            {
                case 0:
                    bytes[at] = (byte)random.NextBits();
                    break;
                case 1:
                    bytes.RemoveRange(at, count);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, count));
                    break;
                case 3:
                    byte[] other = seeds[random.NextInt(seeds.Length)];
                    int from = random.NextInt(other.Length);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(count, other.Length - from)));
                    break;
                default:
                    // What lengths look like at their limits.
                    bytes[at] = (byte)(random.NextInt(2) == 0 ? 0xFF : 0x7F);
                    break;
            }
        }
        return [.. bytes];
    }
}
