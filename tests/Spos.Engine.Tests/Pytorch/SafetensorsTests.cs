using System.Text;
using Spos.Engine.Autograd;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>safetensors files, our own and others'.</summary>
public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-safetensors-").FullName;

    [Theory]
    [InlineData("torch_supernet_legacy.pth.tar")]
    [InlineData("torch_single_zip.pth")]
    [InlineData("torch_single_plus.pth")]
    [InlineData("torch_single_published.pth.tar")]
    public void What_is_exported_comes_back_to_the_bit(string file)
    {
        string exported = At("exported.safetensors");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At(file));
        using (session)
        using (network) SafetensorsWriter.Save(exported, session, network);
        using TorchCheckpoint before = TorchCheckpoint.Open(TorchFixtures.At(file)), after = TorchCheckpoint.Open(exported);
        IReadOnlyDictionary<string, TorchTensor> first = TorchStateDict.Of(before, file), second = TorchStateDict.Of(after, exported);
        Assert.Equal(first.Keys.Order(StringComparer.Ordinal), second.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, TorchTensor tensor) in first)
        {
            Assert.Equal(tensor.Sizes, second[name].Sizes);
            Assert.Equal(tensor.Type, second[name].Type);
            Assert.Equal(before.Floats(tensor), after.Floats(second[name]));
        }
    }

    [Fact]
    public void Other_programs_files_are_read()
    {
        // As the reference implementation writes: names with a wrapper's prefix, types of other lengths, one that is not known here.
        string file = Write(
            """{"__metadata__":{"format":"pt"},"model.first_conv.0.weight":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"""
            + "\"model.small\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[4,6]}}  ",
            [0x80, 0x3f, 0x00, 0xc0, 1, 2]);
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        TorchStateDict found = TorchStateDict.Find(checkpoint, file);
        Assert.Equal("model", found.Name);
        Assert.Equal([1, -2], checkpoint.Floats(found.Tensors["first_conv.0.weight"]));
        Assert.Contains(("model.model.small", "an object of safetensors.F8_E4M3"), found.PassedOver);
        Assert.Null(ExportRecord.From(checkpoint.Metadata, file));
    }

    [Theory]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""",
        "b overlaps another tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", "2 bytes before a belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "2 bytes at its end belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "the place of a is not within it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "the place of a is not within it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,6]}}""", "a has 6 bytes, not 4")]
    [InlineData("""{"a":{"dtype":"F16","shape":[-3],"data_offsets":[0,6]}}""", "a tensor has size -3")]
    [InlineData("""{"a":{"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,6]}}""", "a tensor has size 4294967296")]
    [InlineData(
        """{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}""",
        "two tensors named a")]
    [InlineData("""{"a":{"dtype":"F16","shape":[3]}}""", "its header has no data_offsets of a, or it is of another type.")]
    [InlineData("""{"a":[]}""", "its header has no dtype of a, or it is of another type.")]
    [InlineData("""{"a":{"dtype":5,"shape":[3],"data_offsets":[0,6]}}""", "its header has no dtype of a")]
    [InlineData(
        """{"a":{"dtype":"F16","shape":["3"],"data_offsets":[0,6]}}""", "its header has a shape of a that is not of whole numbers.")]
    [InlineData(
        """{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6e99]}}""",
        "its header has a data_offsets of a that is not of whole numbers.")]
    [InlineData(
        """{"__metadata__":{"x":1},"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}""", "its header's __metadata__.x is no text.")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}""", "its header's __metadata__ has no fields.")]
    [InlineData("""{"\ud800":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}""", "its header has a text that is not Unicode.")]
    [InlineData("""{"a":""", "its header: it is not JSON, or nested too deeply, from line 1, column 6 on.")]
    public void A_wrong_header_is_told(string header, string says) =>
        Assert.Contains(
            says, Assert.Throws<TorchCheckpointException>(() => TorchCheckpoint.Open(Write(header, new byte[6]))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_cut_file_is_told_as_one()
    {
        string file = Write("""{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}""", new byte[6]);
        byte[] whole = File.ReadAllBytes(file);
        foreach (int length in new[] { whole.Length - 1, 20 })
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.Contains(
                "copy or download it again", Assert.Throws<TorchCheckpointException>(() => TorchCheckpoint.Open(file)).Message,
                StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private string Write(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        string file = At("x.safetensors");
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)json.Length), .. json, .. data]);
        return file;
    }
}
