using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>PyTorch's checkpoints come in, and what they compute is what PyTorch computed.</summary>
public sealed class TorchCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-torch-").FullName;

    [Theory]
    [InlineData("torch_odd_zip.pth")]
    [InlineData("torch_odd_legacy.pth")]
    [InlineData("torch_odd_big_endian.pth")]
    public void All_types_strides_and_shared_storages_are_read(string file)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(TorchFixtures.At(file));
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
        JsonElement golden = TorchFixtures.Golden.GetProperty("odd");
        Assert.Equal(golden.EnumerateObject().Select(p => p.Name), tensors.Keys);
        foreach ((string name, TorchTensor tensor) in tensors)
        {
            Assert.Equal(TorchFixtures.Numbers(golden.GetProperty(name)), checkpoint.Floats(tensor).Select(v => (double)v));
        }
        Assert.Equal([6, 4], tensors["columns"].Sizes);
        Assert.Equal([0, 3], tensors["empty"].Sizes);
    }

    [Theory]
    [InlineData("torch_supernet_legacy.pth.tar", "supernet", 0)]
    [InlineData("torch_supernet_legacy.pth.tar", "supernet", 1)]
    [InlineData("torch_supernet_legacy.pth.tar", "supernet", 2)]
    [InlineData("torch_supernet_plus.pth", "supernet_plus", 0)]
    [InlineData("torch_supernet_plus.pth", "supernet_plus", 1)]
    public void A_supernet_s_logits_are_pytorch_s(string file, string name, int index)
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At(file));
        using (session)
        using (network)
        {
            Assert.Null(network.Path);
            JsonElement golden = TorchFixtures.Golden.GetProperty(name)[index];
            var path = new Architecture(golden.GetProperty("path").EnumerateArray().Select(c => c.GetInt32()));
            Assert.InRange(
                TorchFixtures.Error(
                    TorchFixtures.Numbers(golden.GetProperty("eval")), TorchFixtures.Logits(session, network, path, BatchNormMode.Running)),
                0, 1e-4);
            Assert.InRange(
                TorchFixtures.Error(
                    TorchFixtures.Numbers(golden.GetProperty("train")), TorchFixtures.Logits(session, network, path, BatchNormMode.Batch)),
                0, 1e-4);
        }
    }

    [Fact]
    public void Nni_s_names_are_known_too()
    {
        (Session session, ShuffleNetV2OneShot official) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        (Session other, ShuffleNetV2OneShot nni) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_nni.pth"));
        using (session)
        using (official)
        using (other)
        using (nni)
        {
            Assert.Equal(official.Spec, nni.Spec);
            foreach (((string name, float[] exact), (_, float[] half)) in Weights(session, official).Zip(Weights(other, nni)))
            {
                for (int i = 0; i < exact.Length; i++)
                {
                    Assert.True((float)(Half)exact[i] == half[i], $"{name} [{i}]: {half[i]} for {exact[i]}");
                }
            }
        }
    }

    private static IEnumerable<(string Name, float[] Values)> Weights(Session session, ShuffleNetV2OneShot network) =>
        network.Parameters.Select(p => (p.Name, p.Value.Download(session.Stream)));

    [Theory]
    [InlineData("torch_single_zip.pth", "single")]
    [InlineData("torch_single_plus.pth", "single_plus")]
    [InlineData("torch_single_published.pth.tar", "single_published")]
    [InlineData("torch_single_scaled.pth", "single_scaled")]
    public void A_single_path_s_logits_are_pytorch_s(string file, string name)
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At(file));
        using (session)
        using (network)
        {
            JsonElement golden = TorchFixtures.Golden.GetProperty(name);
            Assert.Equal(golden.GetProperty("path").EnumerateArray().Select(c => c.GetInt32()), network.Path!.Operations);
            Assert.Equal(
                golden.TryGetProperty("scales", out JsonElement scales) ? scales.EnumerateArray().Select(c => c.GetInt32()) : [],
                network.Path.Scales);
            Assert.True(network.Spec.Affine);
            Assert.InRange(
                TorchFixtures.Error(
                    TorchFixtures.Numbers(golden.GetProperty("eval")),
                    TorchFixtures.Logits(session, network, network.Path, BatchNormMode.Running)),
                0, 1e-4);
        }
    }

    [Fact]
    public void A_published_network_is_known_by_its_last_stage_and_its_logits_are_pytorch_s()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_published.pth.tar"));
        using (session)
        using (network)
        {
            Assert.Equal(BlockSet.ShuffleV2PlusPublished, network.Spec.BlockSet);
            JsonElement golden = TorchFixtures.Golden.GetProperty("single_published");
            foreach ((string name, BatchNormMode mode) in new[] { ("eval", BatchNormMode.Running), ("train", BatchNormMode.Batch) })
            {
                float[] logits = TorchFixtures.Logits(session, network, network.Path!, mode);
                Assert.InRange(TorchFixtures.Error(TorchFixtures.Numbers(golden.GetProperty(name)), logits), 0, 1e-5);
            }
        }
    }

    [Theory]
    [InlineData("torch_supernet_legacy.pth.tar")]
    [InlineData("torch_single_zip.pth")]
    [InlineData("torch_single_plus.pth")]
    [InlineData("torch_single_published.pth.tar")]
    [InlineData("torch_single_scaled.pth")]
    public void What_is_exported_comes_back_to_the_bit(string file)
    {
        string exported = Path.Combine(_folder, "exported.pth");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At(file));
        using (session)
        using (network) TorchWriter.Save(exported, session, network);
        using TorchCheckpoint before = TorchCheckpoint.Open(TorchFixtures.At(file)), after = TorchCheckpoint.Open(exported);
        IReadOnlyDictionary<string, TorchTensor> first = TorchStateDict.Of(before, file), second = TorchStateDict.Of(after, exported);
        // In the order of PyTorch's own state dict.
        Assert.Equal(first.Keys, second.Keys);
        foreach ((string name, TorchTensor tensor) in first.Where(t => !t.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
        {
            Assert.Equal(tensor.Sizes, second[name].Sizes);
            Assert.Equal(before.Floats(tensor), after.Floats(second[name]));
        }
    }

    [Fact]
    public void Missing_surplus_and_misshapen_tensors_are_named()
    {
        string file = TorchFixtures.At("torch_single_zip.pth");
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        var tensors = new Dictionary<string, TorchTensor>(TorchStateDict.Of(checkpoint, file));
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(tensors, TorchFixtures.ImageSize, file);
        using var session = new Session(Engine.Devices.Device.Host);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        string Refused(Action<Dictionary<string, TorchTensor>> change)
        {
            var changed = new Dictionary<string, TorchTensor>(tensors);
            change(changed);
            return Assert.Throws<TorchCheckpointException>(() => OfficialNetwork.Load(checkpoint, changed, session, network, file)).Message;
        }

        Assert.Contains("lacks conv_last.1.bias", Refused(t => t.Remove("conv_last.1.bias")), StringComparison.Ordinal);
        Assert.Contains("extra.weight", Refused(t => t["extra.weight"] = t["conv_last.1.bias"]), StringComparison.Ordinal);
        Assert.Contains(
            "conv_last.1.bias [5, 12] instead of [12]", Refused(t => t["conv_last.1.bias"] = t["classifier.0.weight"]),
            StringComparison.Ordinal);
        tensors.Remove("features.0.branch_main.3.weight");
        Assert.Contains(
            "lacks features.0.branch_main.3.weight",
            Assert.Throws<TorchCheckpointException>(() => OfficialNetwork.Describe(tensors, TorchFixtures.ImageSize, file)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_checkpoint_is_an_error_that_names_the_file()
    {
        foreach (byte[] contents in new byte[][]
        {
            [], [0x80], "PK\u0003\u0004 and no more"u8.ToArray(), "text\n."u8.ToArray(), [0x80, 2, (byte)'N', (byte)'.'],
        })
        {
            string file = Path.Combine(_folder, "broken.pth");
            File.WriteAllBytes(file, contents);
            Assert.Contains(
                "broken.pth", Assert.Throws<TorchCheckpointException>(() => TorchCheckpoint.Open(file)).Message, StringComparison.Ordinal);
        }
        Assert.Throws<TorchCheckpointException>(() => TorchCheckpoint.Open(Path.Combine(_folder, "missing.pth")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
