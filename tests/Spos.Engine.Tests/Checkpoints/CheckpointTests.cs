using MessagePack;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 4,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [8, 12, 16, 20],
        LastChannels = 8,
    };

    private readonly Session _session = new(Device.Host);
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    [Theory]
    [InlineData(null)]
    [InlineData("shuffle-v2+")]
    public void What_is_saved_is_loaded(string? blocks)
    {
        NetworkSpec spec = Spec with { BlockSet = BlockSet.Of(blocks)! };
        string path = Save(spec, null);
        using var network = new ShuffleNetV2OneShot(_session, spec);
        CheckpointHeader header = Checkpoint.Load(path, _session, network);
        Assert.Equal(17, header.StepsDone);
        Assert.Equal("b", header.Options["a"]);
        Assert.Equal(blocks, header.Blocks);
        Assert.Equal(spec, header.Spec);
        using var same = new ShuffleNetV2OneShot(_session, spec);
        Initialisation.Initialise(same, _session.Stream, 1, InitialisationScheme.Kaiming);
        foreach ((var a, var b) in network.Parameters.Zip(same.Parameters))
        {
            Assert.Equal(b.Value.Download(_session.Stream), a.Value.Download(_session.Stream));
        }
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_checkpoint_of_another_network_is_refused()
    {
        string supernet = Save(Spec, null), path = Save(Spec, Architecture.Parse("0 1 2 3"));
        using var wide = new ShuffleNetV2OneShot(_session, Spec with { LastChannels = 16 });
        Assert.Contains(
            "another network", Assert.Throws<CheckpointException>(() => Checkpoint.Load(supernet, _session, wide)).Message,
            StringComparison.Ordinal);
        using var network = new ShuffleNetV2OneShot(_session, Spec);
        Assert.Contains(
            "0 1 2 3", Assert.Throws<CheckpointException>(() => Checkpoint.Load(path, _session, network)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_anywhere_is_found_and_leaves_the_network_as_it_was()
    {
        string path = Save(Spec, null);
        byte[] whole = File.ReadAllBytes(path);
        using var network = new ShuffleNetV2OneShot(_session, Spec);
        Initialisation.Initialise(network, _session.Stream, 2, InitialisationScheme.Kaiming);
        float[] before = network.Classifier.Value.Download(_session.Stream);
        var random = new CounterRandom(1, RandomPurpose.Drawing, 2);
        for (int i = 0; i < 300; i++)
        {
            byte[] damaged = (byte[])whole.Clone();
            int at = i < 150 ? i : random.NextInt(whole.Length);
            damaged[at] ^= (byte)(1 + random.NextInt(255));
            File.WriteAllBytes(path, i % 10 == 9 ? whole[..at] : damaged);
            CheckpointException error = Assert.Throws<CheckpointException>(() => Checkpoint.Load(path, _session, network));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, network.Classifier.Value.Download(_session.Stream));
        }
        Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(Path.Combine(_folder, "missing")));
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2, 4 }, "its architecture chooses 4 in block 3; the choices there are 0 to 3.")]
    [InlineData(new[] { 0, 1, 2 }, "its architecture has 3 blocks; the network has 4.")]
    [InlineData(new[] { 0, 1, 2, -1 }, "-1 is not the number of a choice.")]
    public void A_header_whose_architecture_is_not_of_its_network_is_refused(int[] choices, string says)
    {
        string path = SaveWith(header => header.Architecture = choices);
        Assert.Equal(
            $"{path} is not a whole Spos checkpoint: {says}",
            Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(path)).Message);
    }

    [Fact]
    public void A_header_with_nothing_in_the_place_of_something_is_refused()
    {
        foreach ((Action<CheckpointHeader> change, string says) in new (Action<CheckpointHeader>, string)[]
        {
            (header => header.Options = null!, "its options have no values."),
            (header => header.Options["a"] = null!, "its options have no values."),
            (header => header.Tensors = null!, "its tensors have no names or shapes."),
            (header => header.Tensors[0] = null!, "its tensors have no names or shapes."),
            (header => header.Tensors[0].Name = null!, "its tensors have no names or shapes."),
            (header => header.Tensors[0].Shape = null!, "its tensors have no names or shapes."),
            (header => header.Train = new DataSetIdentity(null!, "12"), "it does not tell its pictures."),
            (header => header.Train = new DataSetIdentity([null!], "12"), "it does not tell its pictures."),
            (header => header.Val = new DataSetIdentity([new ClassIdentity("a", 1, null!)], "12"), "it does not tell its pictures."),
        })
        {
            string path = SaveWith(change);
            Assert.Equal(
                $"{path} is not a whole Spos checkpoint: {says}",
                Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(path)).Message);
        }
        string empty = SaveWith(_ => { }, _ => [MessagePackCode.Nil]);
        Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(empty));
    }

    [Fact]
    public void The_blocks_of_a_newer_version_are_no_damage()
    {
        string path = SaveWith(header => header.Blocks = "shuffle-v9");
        CheckpointException error = Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(path));
        Assert.Contains($"{path} is of a network with the blocks 'shuffle-v9'", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsDamage);
    }

    [Fact]
    public void What_a_network_was_trained_on_is_kept_and_old_files_know_nothing_of_it()
    {
        var train = new DataSetIdentity(
            [new ClassIdentity("a", 2, "12"), new ClassIdentity("b", 3, "34"), new ClassIdentity("ä", 4, "56")], "78");
        string path = Save(Spec, null, new TrainedOn(["a", "b", "ä"], train));
        CheckpointHeader header = Checkpoint.ReadHeader(path);
        Assert.Equal(["a", "b", "ä"], header.ClassNames!);
        Assert.Equal(train.Classes, header.Train!.Classes);
        Assert.Null(header.Train.DifferenceTo(train));
        Assert.Null(header.Val);
        header = Checkpoint.ReadHeader(Save(Spec, null));
        Assert.Null(header.ClassNames);
        // As earlier versions wrote it: without the fields.
        var old = MessagePackSerializer.Deserialize<Dictionary<string, object?>>(MessagePackSerializer.Serialize(header));
        foreach (string field in new[] { "class_names", "train_data", "val_data" }) Assert.True(old.Remove(field));
        CheckpointHeader read = MessagePackSerializer.Deserialize<CheckpointHeader>(MessagePackSerializer.Serialize(old));
        Assert.Null(read.ClassNames);
        Assert.Equal(Spec, read.Spec);
        Assert.Contains(
            "names", Assert.Throws<CheckpointException>(() => Checkpoint.ReadHeader(Save(Spec, null, new TrainedOn(["a"])))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_open_can_be_read_after_the_file_is_removed()
    {
        string path = Save(Spec, null);
        using var network = new ShuffleNetV2OneShot(_session, Spec);
        using CheckpointReader reader = CheckpointReader.Open(path);
        File.Delete(path);
        reader.Verify();
        for (int i = 0; i < 2; i++) reader.Load(_session, network);
        Assert.Throws<CheckpointException>(() => CheckpointReader.Open(path));
    }

    public void Dispose()
    {
        _session.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // A checkpoint with another header. The tensors need not be there: the header is looked at first.
    private string SaveWith(Action<CheckpointHeader> change, Func<byte[], byte[]>? rewrite = null)
    {
        string path = Save(Spec, Architecture.Parse("0 1 2 3"));
        CheckpointHeader header = Checkpoint.ReadHeader(path);
        change(header);
        byte[] changed = MessagePackSerializer.Serialize(header);
        changed = rewrite?.Invoke(changed) ?? changed;
        File.WriteAllBytes(
            path, [.. File.ReadAllBytes(path)[..8], .. BitConverter.GetBytes((long)changed.Length), .. changed, .. new byte[64 + 32]]);
        return path;
    }

    private string Save(NetworkSpec spec, Architecture? architecture, TrainedOn? data = null)
    {
        string path = Path.Combine(_folder, architecture == null ? "supernet.spos" : "path.spos");
        using var network = new ShuffleNetV2OneShot(_session, spec, architecture);
        Initialisation.Initialise(network, _session.Stream, 1, InitialisationScheme.Kaiming);
        Checkpoint.Save(path, _session, network, 17, new Dictionary<string, string> { ["a"] = "b" }, data: data);
        return path;
    }
}
