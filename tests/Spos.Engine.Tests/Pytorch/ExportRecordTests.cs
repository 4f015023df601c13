using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>Exported files say what they are, and keep PyTorch's counts of batches.</summary>
public sealed class ExportRecordTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-record-").FullName;

    [Theory]
    [InlineData("network.pth")]
    [InlineData("network.safetensors")]
    public void Files_of_weights_carry_the_record_and_the_counts(string name)
    {
        string file = Save(name);
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        ExportRecord record = ExportRecord.From(checkpoint.Metadata, file)!;
        Assert.Equal((32, false, 0.25f), (record.ImageSize, record.OfficialPreprocessing, record.Dropout));
        Assert.Equal(TorchFixtures.Record.ClassNames, record.ClassNames);
        Assert.Equal("[0.485,0.456,0.406]", checkpoint.Metadata["mean"]);
        Assert.Equal("[1,2,0,3,2]", checkpoint.Metadata["architecture"]);
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
        // fill of tests/fixtures/official_network.py says 150.
        Assert.All(
            tensors.Where(t => t.Key.EndsWith(".num_batches_tracked", StringComparison.Ordinal)),
            t => Assert.Equal([150], checkpoint.Integers(t.Value)));
        Assert.Empty(TorchStateDict.Find(checkpoint, file).PassedOver);
    }

    [Fact]
    public void The_record_tells_the_order_of_channels()
    {
        Assert.Equal("RGB", TorchFixtures.Record.ToMetadata()["channel_order"]);
        Assert.Equal("BGR", (TorchFixtures.Record with { OfficialPreprocessing = true }).ToMetadata()["channel_order"]);
    }

    [Fact]
    public void What_earlier_versions_did_not_write_is_not_needed()
    {
        var metadata = new Dictionary<string, string>(TorchFixtures.Record.ToMetadata());
        Assert.Equal(
            (37, 5, 0.625, "bilinear_antialiased", "centre"), Later(ExportRecord.From(metadata, "x.pth")!));
        foreach (string name in new[] { "resized_side", "classes", "top1", "interpolation", "crop" }) Assert.True(metadata.Remove(name));
        ExportRecord earlier = ExportRecord.From(metadata, "x.pth")!;
        Assert.Equal((null, null, null, "bilinear_antialiased", "centre"), Later(earlier));
        Assert.Null(earlier.DifferenceInPictures(TorchFixtures.Record));
        metadata["preprocessing"] = "spos";
        Assert.Equal("bilinear", ExportRecord.From(metadata, "x.pth")!.Interpolation);

        static (int?, int?, double?, string, string) Later(ExportRecord record) =>
            (record.ResizedSide, record.Classes, record.Top1, record.Interpolation, record.Crop);
    }

    [Fact]
    public void A_text_beyond_all_bounds_is_refused()
    {
        var metadata = new Dictionary<string, string>(TorchFixtures.Record.ToMetadata())
        {
            ["class_names"] = $"[\"{new string('a', 64 << 20)}\"]",
        };
        Assert.Contains(
            "class_names has 67108868 characters; nothing longer than 67108864 is read.",
            Assert.Throws<TorchCheckpointException>(() => ExportRecord.From(metadata, "x.pth")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_network_gives_the_same_bytes()
    {
        foreach (string name in new[] { "network.pth", "network.safetensors", "network.onnx" })
        {
            Assert.Equal(File.ReadAllBytes(Save(name)), File.ReadAllBytes(Save(name)));
        }
    }

    [Theory]
    [InlineData("spos_format", "2", "format 2")]
    [InlineData("image_size", "-1", "cannot be read: image_size is '-1', not a multiple of 32 up to 2048.")]
    [InlineData("image_size", "1e99", "cannot be read: image_size is '1e99', not")]
    [InlineData("image_size", "2080", "cannot be read")]
    [InlineData("image_size", "100", "cannot be read")]
    [InlineData("preprocessing", "other", "cannot be read: preprocessing is 'other', not spos or standard.")]
    [InlineData("class_names", "[null]", "cannot be read")]
    [InlineData("class_names", "{", "cannot be read: class_names is '{', not a list of up to 1000000 texts.")]
    [InlineData("dropout", "", "cannot be read: dropout is '', not a number from 0 to below 1.")]
    [InlineData("dropout", "NaN", "cannot be read")]
    [InlineData("mean", "[1, 2]", "cannot be read: mean is '[1, 2]', not a list of three numbers.")]
    [InlineData("mean", "a list of 3", "cannot be read")]
    [InlineData("std", "[1, 1, 1e99]", "cannot be read")]
    [InlineData("architecture", "[]", "cannot be read")]
    [InlineData("architecture", "[0, -1]", "cannot be read: architecture is '[0, -1]', not a list of numbers of choices.")]
    [InlineData("flops", "many", "cannot be read")]
    [InlineData("resized_side", "0", "cannot be read: resized_side is '0', not a number of pixels up to 4096.")]
    [InlineData("classes", "1000001", "cannot be read: classes is '1000001', not a number of classes up to 1000000.")]
    [InlineData("top1", "1.5", "cannot be read: top1 is '1.5', not a share from 0 to 1.")]
    [InlineData("top1", "NaN", "cannot be read: top1")]
    [InlineData("channel_order", null, "cannot be read: channel_order is missing.")]
    public void A_wrong_record_is_told(string name, string? value, string says)
    {
        var metadata = new Dictionary<string, string>(TorchFixtures.Record.ToMetadata());
        if (value == null) metadata.Remove(name);
        else metadata[name] = value;
        Assert.Contains(
            says, Assert.Throws<TorchCheckpointException>(() => ExportRecord.From(metadata, "x.pth")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("channel_order", "rgb", null)]
    [InlineData("value_range", "[0,1]", null)]
    [InlineData("mean", "[0.4850000001, 0.456, 0.406]", null)]
    [InlineData("channel_order", "BGR", "channel_order is BGR, not RGB")]
    [InlineData("value_range", "[-1, 1]", "value_range is [-1, 1], not [0, 1]")]
    [InlineData("mean", "[0.5, 0.5, 0.5]", "mean is [0.5, 0.5, 0.5], not [0.485, 0.456, 0.406]")]
    [InlineData("resized_side", "37", null)]
    [InlineData("resized_side", "36", "resized_side is 36, not 37")]
    [InlineData("interpolation", "bicubic", "interpolation is bicubic, not bilinear_antialiased")]
    [InlineData("crop", "left", "crop is left, not centre")]
    [InlineData("std", "[0.229, 0.224, 0.226]", "std is [0.229, 0.224, 0.226], not [0.229, 0.224, 0.225]")]
    public void Pictures_that_are_fed_otherwise_are_told(string name, string value, string? difference)
    {
        var metadata = new Dictionary<string, string>(TorchFixtures.Record.ToMetadata()) { [name] = value };
        Assert.Equal(difference, ExportRecord.From(metadata, "x.pth")!.DifferenceInPictures(TorchFixtures.Record));
    }

    [Fact]
    public void What_the_tensors_say_otherwise_is_told()
    {
        var spec = new NetworkSpec { ImageSize = 64, Classes = 5 };
        var path = new Architecture(Enumerable.Repeat(1, spec.Blocks));
        ExportRecord right = TorchFixtures.Record with { ImageSize = 64, Architecture = path, Flops = NetworkFlops.Of(spec).Of(path) };
        Assert.Empty(right.DifferencesFrom(spec, path));
        // The size of pictures is an option's to change, and FLOPs with it.
        Assert.Empty(right.DifferencesFrom(spec with { ImageSize = 96 }, path));
        Assert.Contains(
            "names 5 classes; its network has 4",
            Assert.Single((right with { Flops = null }).DifferencesFrom(spec with { Classes = 4 }, path)), StringComparison.Ordinal);
        Assert.Contains("has 5 FLOPs", Assert.Single((right with { Flops = 5 }).DifferencesFrom(spec, path)), StringComparison.Ordinal);
        Assert.Contains("those of a supernet", Assert.Single(right.DifferencesFrom(spec, null)), StringComparison.Ordinal);
        foreach (int[] other in new[] { [1, 1], path.Blocks.SetItem(3, 2).ToArray() })
        {
            string said = Assert.Single((right with { Architecture = new Architecture(other) }).DifferencesFrom(spec, path));
            Assert.Equal($"it says that its architecture is {string.Join(' ', other)}; its tensors are of {path}, which counts.", said);
        }
    }

    [Fact]
    public void What_is_odd_about_weights_is_noted()
    {
        string file = Path.Combine(_folder, "odd.pth");
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network)
        {
            float[] values = network.Classifier.Value.Download(session.Stream);
            (values[0], values[1]) = (float.NaN, float.NegativeInfinity);
            network.Classifier.Value.Upload(session.Stream, values);
            TorchWriter.Save(file, session, network);
            using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file),
                half = TorchCheckpoint.Open(TorchFixtures.At("torch_supernet_nni.pth"));
            ImportNotes notes = OfficialNetwork.Load(checkpoint, TorchStateDict.Of(checkpoint, file), session, network, file);
            Assert.Equal([("classifier.0.weight", 2)], notes.NotFinite);
            Assert.Empty(notes.Converted);
            IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(half, "half.pth");
            (NetworkSpec spec, _) = OfficialNetwork.Describe(tensors, 32, "half.pth");
            using var supernet = new ShuffleNetV2OneShot(session, spec);
            (TorchType type, int count) = Assert.Single(OfficialNetwork.Load(half, tensors, session, supernet, "half.pth").Converted);
            Assert.Equal((TorchType.Float16, tensors.Count(t => t.Value.Type == TorchType.Float16)), (type, count));
        }
    }

    [Fact]
    public void Training_counts_batches_as_pytorch_does_and_checkpoints_keep_the_counts()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        using (session)
        using (network)
        {
            var path = new Architecture([0, 1, 2, 3, 0]);
            TorchFixtures.Logits(session, network, path, BatchNormMode.Batch);
            TorchFixtures.Logits(session, network, path, BatchNormMode.Running);
            HashSet<BatchNormLayer> onPath = [.. network.BatchNormsOf(path)];
            Assert.All(network.BatchNorms, layer => Assert.Equal(onPath.Contains(layer) ? 151 : 150, layer.BatchesTracked));
            string file = Path.Combine(_folder, "x.spos");
            Engine.Checkpoints.Checkpoint.Save(file, session, network, 1, new Dictionary<string, string>());
            using var again = new ShuffleNetV2OneShot(session, network.Spec);
            Engine.Checkpoints.Checkpoint.Load(file, session, again);
            Assert.Equal(network.BatchNorms.Select(l => l.BatchesTracked), again.BatchNorms.Select(l => l.BatchesTracked));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Save(string name)
    {
        string file = Path.Combine(_folder, name);
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_single_zip.pth"));
        using (session)
        using (network)
        {
            switch (Path.GetExtension(name))
            {
                case ".pth":
                    TorchWriter.Save(file, session, network, TorchFixtures.Record);
                    break;
                case ".safetensors":
                    SafetensorsWriter.Save(file, session, network, TorchFixtures.Record);
                    break;
                default:
                    OnnxWriter.Save(file, session, network, keepBatchNorm: false, TorchFixtures.Record);
                    break;
            }
        }
        return file;
    }
}
