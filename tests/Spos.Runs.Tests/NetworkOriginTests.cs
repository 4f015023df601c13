using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Tests;

/// <summary>What is told of a network by a search's folder, and what else is asked for.</summary>
public sealed class NetworkOriginTests : IDisposable
{
    private static readonly NetworkSpec Plus = new() { BlockSet = BlockSet.ShuffleV2Plus };

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-network-origin-test-").FullName;

    [Theory]
    [InlineData("\"shuffle-v2+\"", "\"shuffle-v9\"", "the blocks 'shuffle-v9', which this program does not know")]
    [InlineData("[4,4,8,4]", "null", "take 4 numbers each")]
    [InlineData("[64,160,320,640]", "[64,160,320,2147483646]", "at most 4096 are possible")]
    [InlineData("1024", "2147483647", "of the last convolution 8192")]
    [InlineData("224", "2147483616", "is not a multiple of 32 of at most 2048")]
    public void A_record_of_no_network_is_refused_by_its_file(string written, string edited, string told)
    {
        string record = Search();
        Assert.Equal(Plus, NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { }).Origin!.Spec(1000));
        string text = File.ReadAllText(record);
        Assert.Contains(written, text, StringComparison.Ordinal);
        File.WriteAllText(record, text.Replace(written, edited, StringComparison.Ordinal));
        string message = Assert.Throws<UsageException>(
            () => NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { })).Message;
        Assert.StartsWith($"--architecture: {record}: ", message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_asks_for_other_blocks_is_told_what_can_be_done_there()
    {
        Search();
        NetworkOrigin searched = NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { }).Origin!;
        var loaded = new NetworkOrigin("a.spos", NetworkRecord.Of(new NetworkSpec(), Preprocessing.Standard));
        string Refusal(NetworkOrigin origin, NetworkSpec spec, NetworkOrigin? taken = null) =>
            Assert.Throws<UsageException>(() => origin.RequireWidths(spec, taken)).Message;

        searched.RequireWidths(Plus);
        Assert.EndsWith("or give the architecture as a list to train it otherwise.", Refusal(searched, new()), StringComparison.Ordinal);
        Assert.Equal("--blocks shuffle-v2+: the network of a.spos has shuffle-v2. Leave the option out.", Refusal(loaded, Plus));
        Assert.StartsWith(
            $"the network of {_folder} has --blocks shuffle-v2+, and that of a.spos has shuffle-v2.", Refusal(searched, new(), loaded),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_architecture_of_other_blocks_is_told_by_their_name()
    {
        string told = Assert.Throws<UsageException>(
            () => NamedArchitecture.ReadOfAnySet(string.Join(' ', Enumerable.Repeat(7, 20)), new NetworkSpec())).Message;
        Assert.EndsWith("the choices there are 0 to 3. With --blocks shuffle-v2+ it is one.", told, StringComparison.Ordinal);
        told = Assert.Throws<UsageException>(() => NamedArchitecture.ReadOfAnySet("7 7", new NetworkSpec())).Message;
        Assert.EndsWith("it has 2 blocks; the network has 20.", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_channel_scales_without_their_blocks_is_told_what_to_give()
    {
        // Of a network of other sizes than the official ones.
        NetworkSpec scaled = new() { ImageSize = 32, StageRepeats = [1, 1, 1, 1], BlockSet = BlockSet.ShuffleV2Channels };
        var path = new Architecture([0, 1, 2, 3], [4, 5, 6, 7]);
        string json = Path.Combine(_folder, "scaled.json"), list = Path.Combine(_folder, "scaled.txt");
        ArchitectureFile.Write(json, path, scaled.Space);
        File.WriteAllText(list, $"{path}");
        foreach (string file in new[] { json, list })
        {
            string told = Assert.Throws<UsageException>(() => NamedArchitecture.ReadOfAnySet(file, new NetworkSpec())).Message;
            Assert.EndsWith(
                " Give the --blocks of its network, shuffle-v2-channels or shuffle-v2+-channels, and its sizes.", told,
                StringComparison.Ordinal);
            Assert.Equal(path, NamedArchitecture.ReadOfAnySet(file, scaled));
        }
        File.WriteAllText(list, "0 1 2 3");
        string none = Assert.Throws<UsageException>(() => NamedArchitecture.ReadOfAnySet(list, new NetworkSpec())).Message;
        Assert.EndsWith("it has 4 blocks; the network has 20.", none, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2 1 0 1 / 0.8 1.0 0.8 1.6", "'0.8' in an architecture is not the number of a choice.")]
    [InlineData("2 1 0 1/0.8,1.0", "'0.8' in an architecture is not the number of a choice.")]
    [InlineData("2 1 0 1 / 4 x 5 4", "'x' in an architecture is not the number of a choice.")]
    [InlineData("2,1,0,1 / -1", "'-1' in an architecture is not the number of a choice.")]
    [InlineData("2 1 0 1 /", "an architecture is a list of numbers, one for each block.")]
    public void Scales_that_are_none_are_not_taken_for_the_name_of_a_file(string text, string told)
    {
        string refusal = Assert.Throws<UsageException>(() => NamedArchitecture.Read(text, new NetworkSpec().Space)).Message;
        Assert.Equal(
            $"--architecture \"{text}\": {told} After the / stand the numbers of the channel scales, 0 to 7, for 0.2 to 1.6.", refusal);
    }

    [Theory]
    [InlineData("1 2 / 3 4 / 5 6", true)]
    [InlineData("1/2", false)]
    [InlineData("2026/11/28", false)]
    [InlineData("2026 11/arch.json", false)]
    [InlineData("runs 1 / 2 3", false)]
    [InlineData("2 1 0 1", true)]
    public void Files_of_numbers_and_slashes_are_files(string text, bool isList)
    {
        Assert.Equal(isList, NamedArchitecture.IsList(text));
        string folder = Path.Combine(_folder, "1 2 "), file = Path.Combine(folder, " 3 4");
        Directory.CreateDirectory(folder);
        File.WriteAllText(file, "0 1 2 3");
        Assert.False(NamedArchitecture.IsList(file));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The folder of a search that has ended, as far as a training from scratch reads it: the path of its run.json.
    private string Search()
    {
        string record = Path.Combine(_folder, "run.json");
        File.WriteAllText(record, """
            {"command": "search", "options": {}, "network": {"image_size": 224, "stem_channels": 16, "stage_repeats": [4,4,8,4],
            "stage_channels": [64,160,320,640], "last_channels": 1024, "preprocessing": "Standard", "blocks": "shuffle-v2+"}}
            """);
        File.WriteAllText(Path.Combine(_folder, NetworkOrigin.ArchitectureName), "");
        return record;
    }
}
