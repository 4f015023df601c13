using System.IO.Compression;
using System.Text.Json;
using Spos.Engine.Pytorch;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>PyTorch's files as people have them: what tests/fixtures/make_torch_variants.py wrote, and what is none.</summary>
public sealed class TorchVariantsTests : IDisposable
{
    private static readonly JsonDocument Document = JsonDocument.Parse(File.ReadAllText(TorchFixtures.At("torch_variants.json")));

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-variants-").FullName;

    /// <summary>The variants' contents.</summary>
    public static IEnumerable<byte[]> Files => Document.RootElement.EnumerateObject().Select(file => file.Value.GetBytesFromBase64());

    public static byte[] Named(string variant) => Document.RootElement.GetProperty(variant).GetBytesFromBase64();

    [Theory]
    [InlineData("beside", "state_dict")]
    [InlineData("beside_legacy", "state_dict")]
    [InlineData("beside_legacy_protocol_5", "state_dict")]
    [InlineData("deflated", "state_dict")]
    [InlineData("without_folder", "state_dict")]
    [InlineData("torch_2", "state_dict")]
    [InlineData("without_checksums", "state_dict")]
    [InlineData("bare", "")]
    [InlineData("subclass", "model")]
    [InlineData("lightning", "state_dict.model")]
    [InlineData("wrapped", "net")]
    [InlineData("compiled_inside", "")]
    [InlineData("nested", "run.weights.best")]
    [InlineData("average", "model")]
    [InlineData("thop", "")]
    public void The_network_is_found(string variant, string name)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(Write(Named(variant)));
        TorchStateDict found = TorchStateDict.Find(checkpoint, variant);
        Assert.Equal(name, found.Name);
        Assert.Equal(["first_conv.0.weight", "conv_last.0.weight", "first_conv.1.num_batches_tracked"], found.Tensors.Keys);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), checkpoint.Floats(found.Tensors["first_conv.0.weight"]));
        Assert.Equal([1.5f], checkpoint.Floats(found.Tensors["conv_last.0.weight"]));
        Assert.Equal([7L], checkpoint.Integers(found.Tensors["first_conv.1.num_batches_tracked"]));
    }

    [Theory]
    [InlineData("beside")]
    [InlineData("beside_legacy")]
    [InlineData("beside_legacy_protocol_5")]
    public void What_is_beside_the_weights_is_passed_over_and_told(string variant)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(Write(Named(variant)));
        Dictionary<string, string> told = TorchStateDict.Find(checkpoint, variant).PassedOver.ToDictionary(p => p.Name, p => p.What);
        string[] names =
        [
            "epoch", "best", "curve", "args", "when", "lists", "last", "seen", "fixed", "dtype", "device", "size", "random", "generator",
            "state", "colour", "counts", "raw", "complex", "quantised", "sparse", "keys", "optimizer", "note", "pi", "none", "own",
        ];
        Assert.Equal(names, told.Keys);
        Assert.Equal("an object of argparse.Namespace", told["args"]);
        Assert.StartsWith("an object of numpy.", told["curve"], StringComparison.Ordinal);
        Assert.Equal("an object of __main__.Colour", told["colour"]);
        Assert.Equal("torch.float16", told["dtype"]);
        Assert.Equal("a list of 2", told["last"]);
        Assert.Equal("a set of 2", told["seen"]);
        Assert.Equal("a dict of 3", told["keys"]);
        Assert.Equal("5 bytes", told["raw"]);
        Assert.Equal("3.5", told["pi"]);
        Assert.Equal("'evil \u001b]0;x\u0007'", told["note"]);
    }

    [Fact]
    public void Of_several_networks_one_is_taken_or_asked_for()
    {
        using TorchCheckpoint average = TorchCheckpoint.Open(Write(Named("average")));
        Assert.Equal(["model_ema"], TorchStateDict.Find(average, "x").Others);
        Assert.Equal("model_ema", TorchStateDict.Find(average, "x", "model_ema").Name);
        Assert.Contains("model_ema (3 tensors)", Refused(() => TorchStateDict.Find(average, "x", "nothing")), StringComparison.Ordinal);
        foreach ((string variant, string[] names) in new[]
        {
            ("two", new[] { "a", "b" }), ("student", ["state_dict.student", "state_dict.teacher"]),
        })
        {
            using TorchCheckpoint several = TorchCheckpoint.Open(Write(Named(variant), $"{variant}.pth"));
            string message = Refused(() => TorchStateDict.Find(several, "x"));
            Assert.Contains("--key", message, StringComparison.Ordinal);
            foreach (string name in names)
            {
                Assert.Contains(name, message, StringComparison.Ordinal);
                Assert.Equal(3, TorchStateDict.Find(several, "x", name).Tensors.Count);
            }
        }
        using TorchCheckpoint lightning = TorchCheckpoint.Open(Write(Named("lightning"), "lightning.pth"));
        Assert.Contains(("state_dict.model.criterion.weight", "a tensor [3] Float32"), TorchStateDict.Find(lightning, "x").PassedOver);
    }

    [Theory]
    [InlineData("whole", "an object of torch.nn.modules.linear.Linear")]
    [InlineData("whole_legacy", "an object of torch.nn.modules.linear.Linear")]
    [InlineData("whole_within", "under 'model'")]
    public void A_whole_model_is_refused_with_what_to_do(string variant, string says)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(Write(Named(variant)));
        string message = Refused(() => TorchStateDict.Find(checkpoint, "x.pth"));
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Contains("save model.state_dict()", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_of_torchscript_is_told_as_one() =>
        Assert.Contains("torch.jit.load", Refused(() => TorchCheckpoint.Open(Write(Named("script")))), StringComparison.Ordinal);

    [Fact]
    public void A_changed_byte_of_a_tensor_is_found()
    {
        byte[] contents = Named("bare");
        // The weight 1.5 as a float.
        int at = contents.AsSpan().IndexOf<byte>([0, 0, 0xc0, 0x3f]);
        contents[at] ^= 1;
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(Write(contents));
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, "x");
        checkpoint.Floats(tensors["first_conv.0.weight"]);
        Assert.Contains(
            "the checksum of archive/data/1 is wrong", Refused(() => checkpoint.Floats(tensors["conv_last.0.weight"])),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data/0")]
    [InlineData("data.pkl")]
    public void A_small_file_inflates_to_no_large_one(string member)
    {
        string file = Write(Named("bare"));
        using (ZipArchive archive = ZipFile.Open(file, ZipArchiveMode.Update))
        {
            archive.GetEntry($"archive/{member}")!.Delete();
            using Stream zeros = archive.CreateEntry($"archive/{member}", CompressionLevel.SmallestSize).Open();
            zeros.Write(new byte[64 << 20]);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("inflate to more than", Refused(() => TorchCheckpoint.Open(file)), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Theory]
    [InlineData("beside")]
    [InlineData("beside_legacy")]
    public void A_cut_file_is_told_as_one(string variant)
    {
        byte[] contents = Named(variant);
        foreach (int length in new[] { 40, contents.Length / 2, contents.Length - 1 })
        {
            Assert.Contains(
                "copy or download it again", Refused(() => TorchCheckpoint.Open(Write(contents[..length]))), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 13651234\n", "a pointer of git-lfs to a file of 13651234 bytes")]
    [InlineData("\r\n<!DOCTYPE html><html>", "is a web page")]
    [InlineData("\u001f\u008b\u0008", "is compressed by gzip")]
    [InlineData("\u00fd7zXZ\0", "is compressed by xz")]
    [InlineData("BZh91AY", "is compressed by bzip2")]
    [InlineData("\u0093NUMPY\u0001", "an array of NumPy's")]
    [InlineData("\u0089HDF\r\n\u001a\n", "an HDF5 file")]
    [InlineData("PK\u0005\u0006", "an empty zip archive")]
    [InlineData("SPOSCKPT\0\0", "a checkpoint of this program already")]
    [InlineData("\u0008\u0008\u0012\u0004Spos", "an ONNX model")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0", "12 zeros")]
    [InlineData("weights: none\nmore", "is a text that begins with 'weights: none'")]
    [InlineData("cos\nsystem\n(S'touch pwned'\ntR.", "is a pickle of an object of os.system")]
    [InlineData("\u0001\u0002\u001b[31mred", "but with 01021B5B33316D72")]
    public void What_is_no_checkpoint_is_told_by_what_it_is(string start, string says)
    {
        string message = Refused(() => TorchCheckpoint.Open(Write([.. start.Select(c => (byte)c)])));
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Contains("x.pth", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tar_archive_and_a_folder_are_told_as_such()
    {
        byte[] tar = new byte[1024];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        tar[0] = (byte)'a';
        Assert.Contains("is a tar archive", Refused(() => TorchCheckpoint.Open(Write(tar))), StringComparison.Ordinal);
        Assert.Contains("is a folder", Refused(() => TorchCheckpoint.Open(_folder)), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Refused(Func<object> open) => Assert.Throws<TorchCheckpointException>(open).Message;

    private string Write(byte[] contents, string name = "x.pth")
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllBytes(file, contents);
        return file;
    }
}
